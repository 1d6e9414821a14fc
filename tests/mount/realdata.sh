#!/bin/bash
# SPDX-License-Identifier: MIT
# Data that others have made, and what jq, SQLite and DuckDB read of it straight from the mount.
. "$(dirname "$0")/../lib/mount.sh"

NPM=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rowfs/npm/node_modules
V=$NPM/vega-datasets/data
export V D=$T_DIR NODE_PATH=$NPM
skip_all() { # REASON
    echo "1..0 # SKIP $1"
    trap - EXIT
    exit 77
}
[ -e "$V/movies.json" ] || skip_all "npm's vega-datasets is not installed (scripts/deps test)"

mnt_start
duck() { timeout 60 node "$T_LIB/duckdb.js" "$@" 2>&1 | paste -sd' '; } # SQL...
lite() { timeout 60 sqlite3 "$D/db" "$@" 2>&1 | paste -sd' '; }          # COMMAND...
has_duckdb() { # TEXT
    node -e 'require("@duckdb/node-api")' 2>/dev/null && return
    skip "$1" "npm's @duckdb/node-api is not installed"
    return 1
}
load() { # TABLE FILTER FILE: the rows that jq makes of it
    run 'mkdir "$1" && jq -c "$2" "$V/$3" > "$D/$1" && cat "$D/$1" >> "$1/rows"' "$@"
    same "$3 comes back byte for byte" "$D/$1" "$T/$1/rows"
    is "  info counts its rows" "$(lines "$D/$1")" "$(jq .rows "$T/$1/info")"
}
load_csv() { # TABLE FILE [FORMAT [SCHEMA]]
    run 'mkdir "$1" && { [ -z "$4" ] || echo "$4" > "$1/schema"; } && cat "$V/$2" > "$1/rows.$3"' "$1" "$2" "${3:-csv}" "${4:-}"
    is "$2 has its rows" "$(sed 1d "$V/$2" | grep -c '')" "$(lines "$T/$1/rows")"
}
both() { # TABLE FILE: SQLite finds the same in the file and in the table's rows.csv, field by field
    rm -f "$D/db"
    is "  and its fields: SQLite imports the same from rows.csv" '0 0' \
        "$(lite ".import --csv '$V/$2' a" ".import --csv '$T/$1/rows.csv' b" \
            'select count(*) from (select * from a except select * from b)' 'select count(*) from (select * from b except select * from a)')"
    is "  as often" 0 "$(lite 'select (select count(*) from a) - (select count(*) from b)')"
}

# --- CSV

load_csv weather weather.csv
both weather weather.csv
load_csv birds birdstrikes.csv
both birds birdstrikes.csv
load_csv airports airports.csv
both airports airports.csv
load_csv species species.csv
both species species.csv
load_csv stocks stocks.csv
both stocks stocks.csv
load_csv zip zipcodes.csv csv '{"columns":{"zip_code":{"type":"string","required":true},"latitude":"float64","longitude":"float64","city":"string","state":"string","county":"string"},"key":"zip_code"}'
both zip zipcodes.csv
is 'a zip code keeps its zeros' '"00501" Holtsville' "$(jq -r '"\(.zip_code | tojson) \(.city)"' "$T/zip/by/zip_code/00501/rows")"
is 'and is unique' EEXIST "$(run 'tail -n 1 $V/zipcodes.csv | cat <(head -n 1 $V/zipcodes.csv) - >> zip/rows.csv' 2>/dev/null; last_refusal errno)"
is 'a selection of two columns is what awk finds' "$(awk -F, '$5 == "NY" && $6 == "Suffolk"' "$V/zipcodes.csv" | wc -l)" \
    "$(jq .rows "$T/zip/by/state/NY/by/county/Suffolk/info")"
is 'the states are those of the file' "$(sed 1d "$V/zipcodes.csv" | cut -d, -f5 | sort -u | paste -sd' ')" \
    "$(ls "$T/zip/by/state" | sed 's/%empty//;s/%missing//' | sort -u | paste -sd' ')"
load_csv seattle seattle-weather.csv csv '{"columns":{"date":"date","precipitation":"decimal(6,1)","temp_max":"float64","temp_min":"float64","wind":"float64","weather":"string"},"key":["date"]}'
both seattle seattle-weather.csv
is 'a range of dates' "$(grep -c '^2013-0[2-3]' "$V/seattle-weather.csv")" "$(lines "$T/seattle/by/date/2013-02-01..2013-03-31/rows")"
is 'with another condition' "$(grep '^2013-0[2-3]' "$V/seattle-weather.csv" | grep -c ',sun$')" \
    "$(jq .rows "$T/seattle/by/date/2013-02-01..2013-03-31/by/weather/sun/info")"
is 'sums are those of awk' "$(awk -F, '/,rain$/ { s += $2 } END { printf "%.1f", s }' "$V/seattle-weather.csv")" \
    "$(jq -s 'map(.precipitation) | add * 10 | round / 10' "$T/seattle/by/weather/rain/rows" | awk '{ printf "%.1f", $1 }')"
load_csv jobless unemployment.tsv tsv
is '  and its fields' "$(md5sum <"$V/unemployment.tsv")" "$(md5sum <"$T/jobless/rows.tsv")"
is 'a rate of .097 is no number of JSON, and stays text' '".097"' "$(jq .rate "$T/jobless/by/id/1001/rows")"
load_csv rates unemployment.tsv tsv '{"columns":{"id":"int64","rate":"float64"},"key":"id"}'
is 'unless a schema says that it is one' 0.097 "$(jq .rate "$T/rates/by/id/1001/rows")"

# --- JSON

load movies '.[]' movies.json
load quakes '.features[]' earthquakes.json
load flights '.[]' flights-200k.json
load penguins '.[]' penguins.json
load football '.[]' football.json
is 'genres are listed' "$(jq -r '.[] | ."Major Genre" // "%null"' "$V/movies.json" | sort -u | sed 's/\//%2F/' | paste -sd' ')" \
    "$(ls "$T/movies/by/Major Genre" | sort | paste -sd' ')"
is 'and lead to their movies' "$(jq '[.[] | select(."Major Genre" == "Drama")] | length' "$V/movies.json")" "$(jq .rows "$T/movies/by/Major Genre/Drama/info")"
is 'null is a value' "$(jq '[.[] | select(.Director == null)] | length' "$V/movies.json")" "$(lines "$T/movies/by/Director/%null/rows")"
is 'each title leads to its movies' "$(jq -r '.[].Title | select(. != null)' "$V/movies.json" | sort -u | sed -n '1~60p' | jq -Rc . | sort)" \
    "$(jq -r '.[].Title | select(. != null)' "$V/movies.json" | sort -u | sed -n '1~60p' | while read -r title; do
        name=${title//%/%25}
        jq -r '.Title' "$T/movies/by/Title/${name//\//%2F}/rows" | sort -u
    done | jq -Rc . | sort)"
is 'there are as many' "$(jq '[.[].Title | tostring] | unique | length' "$V/movies.json")" "$(ls -U "$T/movies/by/Title" | wc -l)"
is 'a range of ratings' "$(jq '[.[]."IMDB Rating" | select(. != null and . >= 8 and . <= 8.5)] | length' "$V/movies.json")" \
    "$(jq .rows "$T/movies/by/IMDB Rating/8..8.5/info")"
is 'movies as CSV: SQLite finds the same gross' "$(jq '[.[]."Worldwide Gross" // 0] | add' "$V/movies.json")" \
    "$(rm -f "$D/db"; lite ".import --csv '$T/movies/rows.csv' m" 'select printf("%.0f", sum("Worldwide Gross")) from m')"
is 'and the same odd titles' "$(jq -r '.[] | .Title // ""' "$V/movies.json" | sort | md5sum)" "$(sqlite3 "$D/db" 'select Title from m' | sort | md5sum)"
is 'CSV back in: the same rows but for what is null' "$(jq -cS '.[] | with_entries(select(.value != null))' "$V/movies.json" | md5sum)" \
    "$(run 'mkdir again && cat movies/rows.csv > again/rows.csv && jq -cS . again/rows' | md5sum)"
is 'quakes: objects in objects as they were' "$(jq -c '.features[].geometry.coordinates' "$V/earthquakes.json" | md5sum)" "$(jq -c .geometry.coordinates "$T/quakes/rows" | md5sum)"
is 'a patch of many' "$(jq '[.[] | select(.Species == "Gentoo")] | length' "$V/penguins.json")" \
    "$(run 'echo "{\"seen\":true}" > penguins/by/Species/Gentoo/patch'; jq .rows "$T/penguins/by/seen/true/info")"
is 'leaves all else' "$(jq -c .[] "$V/penguins.json" | sort | md5sum)" "$(jq -c 'del(.seen)' "$T/penguins/rows" | sort | md5sum)"
is 'the past has them without' 0 "$(grep -c seen "$MNT/at/$(($(commits) - 1))/tables/penguins/rows")"

# --- what trusts st_size must see every row

if has_duckdb 'DuckDB'; then
    sums=$(jq -r '[length, (map(.delay) | add), (map(.distance) | add)] | join("|")' "$V/flights-200k.json")
    gross=$(jq -r '"\(length)|\([.[]."US Gross" // 0] | add)"' "$V/movies.json")
    mkdir "$MNT/tx/d"
    mapfile -t got < <(
        all="select count(*), sum(delay), sum(distance)"
        duck "$all from read_ndjson('$T/flights/rows')" \
            "$all from read_csv('$T/flights/rows.csv')" "$all from read_csv('$T/flights/rows.tsv')" \
            "$all from read_ndjson('$MNT/tx/d/tables/flights/rows')" \
            "select count(*), sum(distance) from read_ndjson('$T/flights/by/delay/100../rows')" \
            "select count(*), sum(\"US Gross\") from read_json('$T/movies/rows', format = 'newline_delimited')" \
            "select count(*), sum(\"US Gross\") from read_csv('$T/movies/rows.csv')" \
            "select count(*), sum(properties.sig) from read_ndjson('$T/quakes/rows')" \
            "select count(*), min(\"Flight Date\"), max(\"Flight Date\") from read_csv('$T/birds/rows.csv')" \
            "select count(*) from read_csv('$T/zip/rows.csv', types = {'zip_code': 'varchar'}) where length(zip_code) = 5" \
            "select count(*) from read_csv('$T/airports/rows.csv') a where exists (select 1 from read_ndjson('$T/zip/rows') z where z.city = a.city and z.state = a.state)" |
            tr ' ' '\n'
    )
    rmdir "$MNT/tx/d"
    is 'DuckDB reads rows: flights' "$sums" "${got[0]}"
    is 'and rows.csv' "$sums" "${got[1]}"
    is 'and rows.tsv' "$sums" "${got[2]}"
    is 'and a transaction' "$sums" "${got[3]}"
    is 'and a selection' "$(jq -r '[.[] | select(.delay >= 100) | .distance] | "\(length)|\(add)"' "$V/flights-200k.json")" "${got[4]}"
    is 'movies by read_json' "$gross" "${got[5]}"
    is 'movies by read_csv' "$gross" "${got[6]}"
    is 'quakes: nested columns' "$(jq -r '"\(.features | length)|\([.features[].properties.sig] | add)"' "$V/earthquakes.json")" "${got[7]}"
    is 'birds, with dates' "10000|$(sed 1d "$V/birdstrikes.csv" | grep -o '[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]' | sort | sed -n '1p;$p' | paste -sd'|')" "${got[8]}"
    is 'zip codes, of which some begin with 0' 42049 "${got[9]}"
    is 'two tables are joined' "$(lite ".import --csv '$T/airports/rows.csv' airports" ".import --csv '$T/zip/rows.csv' zip" \
        'select count(*) from airports where (city, state) in (select city, state from zip)')" "${got[10]}"
    is 'what DuckDB writes is appended' "$(jq '[.[].distance] | max' "$V/flights-200k.json")" \
        "$(run 'mkdir out'; duck "copy (select max(distance) as far from read_ndjson('$T/flights/rows')) to '$D/out.json'" >/dev/null; cat "$D/out.json" >>"$T/out/rows"; jq .far "$T/out/rows")"
fi
is 'SQLite: half a million values' "$(jq -r '[length, (map(.delay) | add)] | join("|")' "$V/flights-200k.json")" \
    "$(rm -f "$D/db"; lite ".import --csv '$T/flights/rows.csv' f" 'select count(*), sum(delay) from f')"
done_testing
