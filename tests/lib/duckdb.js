// SPDX-License-Identifier: MIT
// duckdb.js SQL...: runs each in DuckDB, prints every row, its fields with | between them.
const { DuckDBInstance } = require('@duckdb/node-api');

async function main() {
  const db = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await db.connect();

  for (const sql of process.argv.slice(2)) {
    const result = await connection.runAndReadAll(sql);
    for (const row of result.getRowsJson()) console.log(row.join('|'));
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
