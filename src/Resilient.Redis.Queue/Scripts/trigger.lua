-- trigger: make a recurring job now, beside its schedule.
--
-- KEYS        root, waiting, scheduled, stats, idle, recurring, job key
-- ARGV[1..2]  name, id for the job
--
-- reply       ACCEPTED, ALREADY (the id is known), { DUPLICATE, id of the job that holds its unique key }, or GONE: there is no such name
-- cost        O(1)
local root, waiting, scheduled, stats, idle, recurring = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local name, id = ARGV[1], ARGV[2]
local known = read_definition(recurring, name)
if not known then return GONE end

local arriving = arrivals(root, waiting, scheduled, stats, math.floor(now_us() / 1000))
known.how.keep_ms = math.max(known.how.keep_ms, REPEATABLE_MS)
local code, holder = arriving.examine(id, known.how, known.body)
arriving.write()
if arriving.rings then ring(root, idle) end
return holder and { code, holder } or code
