-- An entry of the outbox: its nine fields, nil when it cannot be read.
local OUTBOX_FIELDS = { 'string', 'string', 'number', 'number', 'number', 'number', 'string', 'string', 'number' }

local function read_entry(packed)
  local f = unpack_array(packed)
  for at, kind in ipairs(OUTBOX_FIELDS) do
    if type(f[at]) ~= kind then return nil end
  end
  return #f == #OUTBOX_FIELDS and f or nil
end
