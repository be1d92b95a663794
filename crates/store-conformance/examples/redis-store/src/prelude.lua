#!lua
-- What both scripts that write begin with. KEYS[1] is the store's prefix, with its hash tag; every other key is behind it.
local call = redis.call

local function key(kind, id)
  return KEYS[1] .. kind .. (id or '')
end

-- Removes a code with its place in both indexes.
local function forget_code(code)
  local owner = call('HGET', key('c', code), 'owner')
  if owner then
    call('SREM', key('C', owner), code)
    call('ZREM', key('xc'), code)
    call('DEL', key('c', code))
  end
end

