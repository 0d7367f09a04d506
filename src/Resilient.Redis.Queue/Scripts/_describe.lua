-- All that is known of one job but its payload: for inspect and list.

local UNREADABLE = 'The stored job cannot be read: it is damaged, or of a newer version.'

-- nil for what is no job (any more). Reply: state, name, attempt, max attempts, lapses, enqueued ms, due ms, claimed ms, ended ms
-- (0: does not apply), error, result, progress, reason to cancel, and how deliveries ended badly: { attempt, server time ms, worker's label, what, error }.
local function describe_job(id, raw, scheduled, leases)
  if not raw or decode_trace(raw) then return nil end
  local job = decode(raw)
  if not job then return { DEAD, '', 0, 0, 0, '0', '0', '0', '0', UNREADABLE, '', '', '', {} } end

  local state, attempt, due_ms, claimed_ms, progress, cancel = job.state, job.attempt, 0, 0, '', ''
  local ended_ms, history = job.ended_ms, {}
  if state == LIVE then
    ended_ms = 0
    local packed, due = redis.call('HGET', leases, id), redis.call('ZSCORE', scheduled, id)
    local lease = packed and decode_lease(packed)
    if lease then
      state, attempt, claimed_ms, progress, cancel = ACTIVE, attempt + 1, lease.claimed_ms, lease.progress, lease.cancel
    elseif due then
      state, due_ms = SCHEDULED, tonumber(due)
    else
      state = WAITING
    end
  end
  for i, e in ipairs(history_of(job)) do history[i] = { int(e[1]), int(e[2]), e[3], int(e[4]), e[5] } end
  return { state, job.name, int(attempt), int(job.max_attempts), int(job.lapses), int(job.enqueued_ms), int(due_ms), int(claimed_ms),
    int(ended_ms), job.error, job.result, progress, cancel, history }
end
