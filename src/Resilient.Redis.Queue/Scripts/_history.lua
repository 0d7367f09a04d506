-- What a job tells of the deliveries that did not end well. For claim, settle, extend, requeue and inspect.
-- How a delivery ended that did not end well: JobAttemptOutcome.cs mirrors these; a test compares the two.
local FAILED, WORKERLOST, UNKNOWNTYPE, HOPELESS, REQUEUED = 1, 2, 3, 4, 5
local MOST_ATTEMPTS, MOST_ERROR_BYTES = 20, 500 -- what a job's history keeps

-- The newest entries of a job's history, as far as they can be read: { attempt, server time ms, worker's label, what, error }.
local function history_of(job)
  local stored, entries = job.history ~= '' and unpack_array(job.history) or {}, {}
  for i = math.max(1, #stored - MOST_ATTEMPTS + 1), #stored do
    local e = stored[i]
    if type(e) == 'table' and is_number(e[1]) and is_number(e[2]) and type(e[3]) == 'string' and is_number(e[4]) and type(e[5]) == 'string' then
      entries[#entries + 1] = { e[1], e[2], e[3], e[4], e[5] }
    end
  end
  return entries
end

-- Adds to the history how this delivery ended. The label is what follows the @ of a session.
local function remember(job, attempt, now_ms, session, what, error)
  local entries = history_of(job)
  if #entries == MOST_ATTEMPTS then table.remove(entries, 1) end
  local cut = math.min(#error, MOST_ERROR_BYTES)
  while cut < #error and cut > 0 and error:byte(cut + 1) >= 128 and error:byte(cut + 1) < 192 do cut = cut - 1 end -- not within a character
  entries[#entries + 1] = { attempt, now_ms, session:match('@(.*)') or session, what, error:sub(1, cut) }
  job.history = cmsgpack.pack(entries)
end
