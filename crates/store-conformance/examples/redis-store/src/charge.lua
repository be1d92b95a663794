#!lua
-- Keeps a throttle's moment if what is kept is what the caller has read (nothing is the empty text). Else answers what is
-- kept. KEYS: the throttles. ARGV: which, what was read, what to keep.
local kept = redis.call('ZSCORE', KEYS[1], ARGV[1]) or ''
if kept ~= ARGV[2] then
  return kept
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return false
