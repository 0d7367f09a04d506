-- claim: lease up to n jobs to this worker.
--
-- KEYS        as in _worker.lua, _limit.lua and _hand_out.lua
-- ARGV        as in _worker.lua, _limit.lua and _hand_out.lua
--
-- reply       ACCEPTED or STALE, server time ms, the queue's lease ms, ms until the next look pays (-1: nothing planned),
--             1 if another call at once pays, what settle tells of settlements (nothing), and three for each job: id, fence token,
--             and its record where it is a fresh one (_record.lua), else
--             { attempt, lapses, 1 if alone, timeout ms, enqueued ms, name, body }
-- cost        O(n log m) for n jobs, m = active jobs
if sequence < last_sequence then return reply(STALE, {}, {}, false) end
if sequence == last_sequence then return answer_again() end

local seen = look({}, 0)
read_candidates(seen, 0)
tidy(seen)
local answer = claim_and_reply(seen, {})
tell_waiting(root, waited, ended)
return answer
