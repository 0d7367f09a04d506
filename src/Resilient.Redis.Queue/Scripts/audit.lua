-- audit: which of these jobs are in no place, in two, or in a wrong one; and mends that. What it says is so at this moment: all in one step.
--
-- KEYS[1..15] as in _audit.lua
-- KEYS[16..]  job keys     of the ids below
-- ARGV[1]     repair       1 to mend what is found
-- ARGV[2]     line         waiting or suspect: a page of that line is examined; empty: the ids below are
-- ARGV[3]     from         integer      places at the end of the line to leave out: from there nothing moves out of sight while others push and pop
-- ARGV[4]     most         integer      places to look at
-- ARGV[5]     search       lost to search the lines for the ids below, which were in no place; twice for ids that were seen twice in line; empty for
--             others: then one that seems to be nowhere is a suspicion
-- ARGV[6..]   ids
--
-- reply       the ids of that page; then for each finding: id, kind (0: a suspicion), by how much it is counted too often
-- cost        O(n log m), n = ids, m = jobs; for each that has to be searched for O(lines), at most 40,000 places
local repair, line, from, most, search = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local page = line ~= '' and redis.call('LRANGE', line == 'waiting' and waiting or suspect, int(-from - most), int(-from - 1)) or {}
local findings = {}
local function add(id, in_line)
  findings[#findings + 1] = examine(id, in_line)
end

for _, id in ipairs(page) do
  -- One of its places is passed over: whether there is another one nobody knows.
  local in_line
  if line ~= 'waiting' or redis.call('SISMEMBER', skip, id) == 0 then in_line = 1 end
  add(id, in_line)
end
for at = 6, #ARGV do
  local in_line = search ~= '' and places_in_line(ARGV[at]) or nil
  -- In the middle of a long line it is not searched for: it is there, once.
  if search == 'twice' and in_line <= 0 then in_line = nil end
  add(ARGV[at], in_line)
end

local reply, lost = { page }, {}
for _, here in ipairs(findings) do
  if repair and here.kind ~= SUSPICION then mend(here) end
  if repair and here.kind == NO_RECORD then lost[#lost + 1] = here.id end
  reply[#reply + 1] = { here.id, here.kind, here.excess }
end
if repair and redis.call('EXISTS', waiting, suspect) > 0 then ring(root, idle) end
tell_waiting(root, waited, lost)
return reply
