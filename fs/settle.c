/* SPDX-License-Identifier: MIT */
/* Tickets for last closes that still have a commit to make. */
#include "fs/settle.h"

#include <stddef.h>

void settle_init(struct settle *settle)
{
    *settle = (struct settle){.end = &settle->pending};
    pthread_mutex_init(&settle->lock, NULL);
    pthread_cond_init(&settle->changed, NULL);
}

void settle_finish(struct settle *settle)
{
    pthread_mutex_destroy(&settle->lock);
    pthread_cond_destroy(&settle->changed);
}

void settle_begin(struct settle *settle, struct settle_ticket *ticket)
{
    pthread_mutex_lock(&settle->lock);
    ticket->number = ++settle->last_number;
    ticket->next = NULL;
    ticket->link = settle->end;
    *settle->end = ticket;
    settle->end = &ticket->next;
    pthread_mutex_unlock(&settle->lock);
}

void settle_end(struct settle *settle, struct settle_ticket *ticket)
{
    if (!ticket->number)
        return;
    pthread_mutex_lock(&settle->lock);
    *ticket->link = ticket->next;
    if (ticket->next)
        ticket->next->link = ticket->link;
    else
        settle->end = ticket->link;
    pthread_cond_broadcast(&settle->changed);
    pthread_mutex_unlock(&settle->lock);
}

void settle_wait(struct settle *settle, void (*before_wait)(void))
{
    uint64_t until;

    pthread_mutex_lock(&settle->lock);
    until = settle->last_number;
    if (settle->pending && settle->pending->number <= until) {
        pthread_mutex_unlock(&settle->lock);
        before_wait();
        pthread_mutex_lock(&settle->lock);
    }
    while (settle->pending && settle->pending->number <= until)
        pthread_cond_wait(&settle->changed, &settle->lock);
    pthread_mutex_unlock(&settle->lock);
}
