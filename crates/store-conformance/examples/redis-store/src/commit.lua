-- Applies one change set. The answer is empty, or names the condition that does not hold, and of what. Nothing is written
-- before all of them hold, since nothing is undone. All numbers are texts: Lua's own are doubles.
local at = 0
local function argument()
  at = at + 1
  return ARGV[at]
end

-- Reads a list: its length, then its items.
local function list(item)
  local items = {}
  for n = 1, tonumber(argument()) do
    items[n] = item()
  end
  return items
end

local commit = argument()
local event_format = argument()
local requires = list(function()
  return { document = argument(), id = argument(), field = argument(), expect = argument() }
end)
local writes = list(function()
  local write = { kind = argument(), id = argument(), keys = list(argument) }
  for _, field in ipairs(list(function() return { argument(), argument() } end)) do
    write[field[1]] = field[2]
  end
  return write
end)
local events = list(argument)

-- 1. Was it applied before?
if call('EXISTS', key('r', commit)) == 1 then
  return {}
end
for _, write in ipairs(writes) do
  if write.kind == 'insert' or write.kind == 'account' or write.kind == 'activity' then
    for _, document in ipairs({ 'a', 'v' }) do
      if call('HGET', key(document, write.id), 'writer') == commit then
        return {}
      end
    end
  end
end

-- 2. What the set requires.
local function differs(document, id, field, expect)
  local is = call('HGET', key(document, id), field)
  if is == expect then
    return nil
  elseif not is and document ~= 'c' then
    return { 'missing', id }
  end
  return { document, id }
end

for _, require in ipairs(requires) do
  local conflict = differs(require.document, require.id, require.field, require.expect)
  if conflict then
    return conflict
  end
end

-- 3. The writes' own conditions.
local function own_condition(write)
  if write.kind == 'insert' and call('EXISTS', key('a', write.id)) == 1 then
    return { 'exists', write.id }
  elseif write.kind == 'account' or write.kind == 'delete' then
    return differs('a', write.id, 'version', write.expect)
  elseif write.kind == 'activity' then
    return differs('v', write.id, 'version', write.expect)
  elseif write.kind == 'use' and call('ZSCORE', key('xs'), write.id) then
    return { 'used', write.id }
  end
end

local touched = {}
for _, write in ipairs(writes) do
  local conflict = own_condition(write)
  if conflict then
    return conflict
  end
  if write.kind == 'insert' or write.kind == 'account' or write.kind == 'delete' then
    touched[write.id] = true
  end
end

-- 4. Uniqueness, on the state after the set.
local given = {}
for _, write in ipairs(writes) do
  for _, index in ipairs(write.keys) do
    local owner = given[index]
    if not owner then
      owner = call('GET', key(index))
      if owner and touched[owner] then
        owner = write.id
      end
    end
    if owner and owner ~= write.id then
      return { 'taken', index }
    end
    given[index] = write.id
  end
end

-- 5. Writes.
for _, write in ipairs(writes) do
  if write.kind == 'account' or write.kind == 'delete' then
    for _, index in ipairs(cmsgpack.unpack(call('HGET', key('a', write.id), 'keys'))) do
      call('DEL', key(index))
    end
  end
end
for index, id in pairs(given) do
  call('SET', key(index), id)
end

local function put_activity(id, version, document)
  call('HSET', key('v', id), 'version', version, 'writer', commit, 'document', document)
end

local function put_account(write)
  call('HSET', key('a', write.id), 'version', write.version, 'writer', commit, 'epoch', write.epoch,
    'password', write.password, 'due', write.due, 'keys', cmsgpack.pack(write.keys), 'document', write.document)
  if write.due == '' then
    call('ZREM', key('d'), write.id)
  else
    call('ZADD', key('d'), write.due, write.id)
  end
end

local put = {
  insert = function(write)
    put_account(write)
    put_activity(write.id, write.version, write.activity)
  end,
  account = put_account,
  activity = function(write)
    put_activity(write.id, write.version, write.document)
  end,
  delete = function(write)
    for _, code in ipairs(call('SMEMBERS', key('C', write.id))) do
      forget_code(code)
    end
    call('ZREM', key('d'), write.id)
    call('DEL', key('a', write.id), key('v', write.id))
  end,
  code = function(write)
    forget_code(write.id)
    call('HSET', key('c', write.id), 'tries', write.tries, 'owner', write.owner, 'document', write.document)
    call('SADD', key('C', write.owner), write.id)
    call('ZADD', key('xc'), write.ends, write.id)
  end,
  forget = function(write)
    forget_code(write.id)
  end,
  use = function(write)
    call('ZADD', key('xs'), write.ends, write.id)
  end,
  reset = function(write)
    call('ZREM', key('xT'), write.id)
  end,
  epoch = function()
    call('INCR', key('e'))
  end,
}
for _, write in ipairs(writes) do
  put[write.kind](write)
end

-- 6. Events. Their cursors are the stream's own numbers, which only grow. The field is the format.
for _, event in ipairs(events) do
  call('XADD', key('o'), '0-*', event_format, event)
end

-- 7. The note that the set was applied, for longer than anybody asks.
call('SET', key('r', commit), '', 'EX', 600)
return {}
