// SPDX-License-Identifier: MIT
// duckdb.js SQL: runs it in DuckDB, prints each row, its fields with | between them.
const { DuckDBInstance } = require('@duckdb/node-api');

async function main() {
  const db = await DuckDBInstance.create(':memory:', { threads: '2' });
  const result = await (await db.connect()).runAndReadAll(process.argv[2]);

  for (const row of result.getRowsJson()) console.log(row.join('|'));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
