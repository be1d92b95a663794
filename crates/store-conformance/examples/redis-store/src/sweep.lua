-- Removes what is over. ARGV: which kind, the moment, how many at most.
local over = call('ZRANGEBYSCORE', key(ARGV[1]), '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(over) do
  if ARGV[1] == 'xc' then
    forget_code(id)
  else
    call('ZREM', key(ARGV[1]), id)
  end
end
return #over
