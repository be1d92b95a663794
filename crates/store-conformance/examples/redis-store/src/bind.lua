#!lua
-- Notes the header if there is none, and raises the format numbers that are lower than ours. KEYS: the prefix. ARGV: the
-- header, the format of this layout, the format of the documents.
local header = KEYS[1] .. 'h'
redis.call('HSETNX', header, 'header', ARGV[1])
local kept = redis.call('HMGET', header, 'header', 'layout', 'documents')
kept[2], kept[3] = tonumber(kept[2] or 0), tonumber(kept[3] or 0)
if kept[2] <= tonumber(ARGV[2]) and kept[3] <= tonumber(ARGV[3]) then
  redis.call('HSET', header, 'layout', ARGV[2], 'documents', ARGV[3])
end
return kept
