-- outbox: follow-ups that wait to be delivered to other queues.
--
-- KEYS        root, outbox
-- reply       for each of a hundred, any of them: id, queue, name, due (ms of server time), max attempts, timeout ms, keep ms, body,
--             unique key, unique for ms; and those ids whose entry cannot be read, with an empty queue
-- cost        O(1)
-- At random: entries whose queue takes nothing must not stand before the others for ever.
local entries = redis.call('HRANDFIELD', KEYS[2], 100, 'WITHVALUES')
local reply = {}
for i = 1, #entries, 2 do
  local f = read_entry(entries[i + 1])
  reply[#reply + 1] = f and { entries[i], f[1], f[2], int(f[3]), int(f[4]), int(f[5]), int(f[6]), f[7], f[8], int(f[9]) } or { entries[i], '' }
end
return reply
