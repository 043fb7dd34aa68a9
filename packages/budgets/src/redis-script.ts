/**
 * Budgets as one Lua script, so that whatever is done to several meters is one atomic round trip.
 *
 * Keys, all with the same hash tag: the epoch, which tells whether Redis still has its data; the processes that have been heard of lately
 * (sorted set by expiry); and for each meter and period a hash and a sorted set of its reservations by expiry. Fields of the hash: `b` what
 * was used before Redis knew of it, `u` what has been used since, `r` what is reserved, `h:ID` what a reservation holds (negative once it
 * has been charged at its expiry), `q:PROCESS` the last report of a process.
 *
 * Arguments: a JSON object. For each meter, what is given is done in this order: `opening`, `base`, `seq` and `owed`, `amount` (settles `id`), `more`
 * (extends `id`), and on all of them or on none `most` (reserves `id`). Answers JSON.
 */
export const budgetScript = `
local a = cjson.decode(ARGV[1])

local now = a.now
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

local function number(value)
  return tonumber(value or 0) or 0
end

local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = a.fresh
  redis.call('SET', KEYS[1], epoch)
end
redis.call('PEXPIRE', KEYS[1], text(a.keepEpoch))
if a.epoch and a.epoch ~= epoch then
  return cjson.encode({ status = 'lost', epoch = epoch, now = now })
end
redis.call('ZADD', KEYS[2], text(now + a.memberMs), a.member)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
redis.call('PEXPIRE', KEYS[2], text(2 * a.memberMs))

-- Charges what was not settled in time.
local function lapse(key, waits)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', waits, '-inf', text(now), 'LIMIT', 0, 100)) do
    local held = redis.call('HGET', key, 'h:' .. id)
    if held then
      redis.call('HINCRBY', key, 'u', held)
      redis.call('HINCRBY', key, 'r', text(-number(held)))
      redis.call('HSET', key, 'h:' .. id, '-' .. held)
    end
    redis.call('ZREM', waits, id)
  end
end

local function settle(key, waits, amount)
  local field = 'h:' .. a.id
  local held = redis.call('HGET', key, field)
  if not held then return end
  if string.sub(held, 1, 1) == '-' then
    amount = amount + number(held)
  else
    redis.call('HINCRBY', key, 'r', text(-number(held)))
  end
  redis.call('HINCRBY', key, 'u', text(amount))
  redis.call('HDEL', key, field)
  redis.call('ZREM', waits, a.id)
end

local meters, refused = {}, nil
for index, given in ipairs(a.meters) do
  local key, waits = KEYS[1 + 2 * index], KEYS[2 + 2 * index]
  local known = redis.call('EXISTS', key)
  lapse(key, waits)
  if given.opening then redis.call('HSETNX', key, 'b', text(given.opening)) end
  if given.base and given.base > number(redis.call('HGET', key, 'b')) then
    redis.call('HSET', key, 'b', text(given.base))
  end
  if given.seq and given.seq > number(redis.call('HGET', key, 'q:' .. a.member)) then
    redis.call('HINCRBY', key, 'u', text(given.owed))
    redis.call('HSET', key, 'q:' .. a.member, text(given.seq))
  end
  if given.amount then settle(key, waits, given.amount) end
  if given.more then
    local held = redis.call('HGET', key, 'h:' .. a.id)
    if held and string.sub(held, 1, 1) ~= '-' then
      redis.call('HINCRBY', key, 'h:' .. a.id, text(given.more))
      redis.call('HINCRBY', key, 'r', text(given.more))
    end
  end
  local kept = redis.call('HMGET', key, 'b', 'u', 'r')
  local meter = { used = number(kept[1]) + number(kept[2]), reserved = number(kept[3]), known = known }
  meters[index] = meter
  if given.most and given.limit and not refused and meter.used + meter.reserved + given.expected > given.limit then
    refused = index - 1
  end
  redis.call('PEXPIRE', key, text(given.keep))
end

local states = {}
for index, given in ipairs(a.meters) do
  local key, waits, meter = KEYS[1 + 2 * index], KEYS[2 + 2 * index], meters[index]
  if given.most and not refused then
    redis.call('HINCRBY', key, 'r', text(given.most))
    redis.call('HSET', key, 'h:' .. a.id, text(given.most))
    redis.call('ZADD', waits, text(now + a.ttl), a.id)
    redis.call('PEXPIRE', waits, text(given.keep))
    redis.call('PEXPIRE', key, text(given.keep))
    meter.reserved = meter.reserved + given.most
  end
  -- As texts: numbers of JSON have fewer digits here.
  states[index] = { text(meter.used), text(meter.reserved), text(meter.known) }
end

return cjson.encode({
  status = 'ok',
  epoch = epoch,
  now = now,
  members = redis.call('ZCARD', KEYS[2]),
  refused = refused,
  states = states,
})
`
