// Runs SQL from outside: node examples/admin-dashboard/sql.ts "update chat_sessions set agent = 'Kim' where id = 4"
import { openDatabase } from './database/database.ts';

const [text = 'select id, customer, status from chat_sessions order by id'] = process.argv.slice(2);
const database = openDatabase(process.env['DATABASE_URL'] ?? 'http://127.0.0.1:4410');
try {
  console.table(await database.query(text));
} finally {
  await database.close();
}
