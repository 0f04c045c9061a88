// Visitors for the demonstration: plain SQL from outside, past the servers.
import { openDatabase } from './database/database.ts';

const database = openDatabase(process.env['DATABASE_URL'] ?? 'http://127.0.0.1:4410');
const everyMs = 2_500;
// nobody visits what has ended
process.on('disconnect', () => process.exit());
/** More sessions than this are cleaned up, the oldest first. */
const most = 60;

const steps = [
  `insert into chat_sessions (customer, topic, messages)
   select (array['Aiko', 'Bram', 'Chidi', 'Dora', 'Emil', 'Farah'])[1 + floor(random() * 6)] || ' ' ||
          (array['Novak', 'Silva', 'Berg', 'Okoye', 'Lang', 'Rossi'])[1 + floor(random() * 6)],
          (array['Where is my parcel?', 'I was charged twice', 'The login code never comes', 'Can I change my plan?',
                 'The export is empty', 'My coupon is refused'])[1 + floor(random() * 6)], 1
   where (select count(*) from chat_sessions where status in ('waiting', 'active')) < 14`,
  `update chat_sessions set status = 'active', agent = (array['Robin', 'Sam', 'Kim'])[1 + floor(random() * 3)]
   where id = (select id from chat_sessions where status = 'waiting' and started_at < now() - interval '8 seconds'
               order by started_at limit 1)`,
  `update chat_sessions set messages = messages + 1
   where id = (select id from chat_sessions where status = 'active' order by random() limit 1)`,
  `update chat_sessions set status = 'ended'
   where id = (select id from chat_sessions where status = 'active' and messages > 8 order by random() limit 1)`,
  `delete from chat_sessions where id in (select id from chat_sessions order by id desc offset ${most})`,
];

for (let step = 0; ; step++) {
  await new Promise((resolve) => setTimeout(resolve, everyMs * (0.5 + Math.random())));
  await database.query(steps[[0, 2, 1, 2, 3, 2, 4][step % 7] ?? 2] ?? '').catch(() => {});
}
