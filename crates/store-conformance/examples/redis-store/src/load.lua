#!lua flags=no-writes
-- Finds an account for each argument, all at one moment. An argument is the letter and the rest of a key: of the account
-- itself, or of one of its index keys.
local epoch = redis.call('GET', KEYS[1] .. 'e') or '0'
local found = {}
for n, lookup in ipairs(ARGV) do
  local id
  if string.sub(lookup, 1, 1) == 'a' then
    id = string.sub(lookup, 2)
  else
    id = redis.call('GET', KEYS[1] .. lookup)
  end
  found[n] = false
  if id then
    local account = redis.call('HMGET', KEYS[1] .. 'a' .. id, 'version', 'document')
    local activity = redis.call('HMGET', KEYS[1] .. 'v' .. id, 'version', 'document')
    if account[1] then
      found[n] = { account[1], account[2], activity[1], activity[2], epoch }
    end
  end
end
return found
