/**
 * The shared limits of one key as one Lua script, so that each operation is one atomic round trip. It counts as
 * `SlidingWindow` does: 600 slots a window and their sum.
 *
 * Keys, all with the same hash tag: the key's facts (hash: epoch, closed, limit:NAME), the leases of calls under way
 * (sorted set by expiry), the processes that have been heard of lately (sorted set by expiry), and one hash for each
 * window (slot -> amount, total, oldest).
 *
 * Arguments: the operation and a JSON object. Answers JSON. A caller that knows an epoch which is no longer Redis's is
 * told `lost` and nothing is done: Redis has forgotten what it knew.
 */
export const limitScript = `
local operation, a = ARGV[1], cjson.decode(ARGV[2])
local facts, leases, members = KEYS[1], KEYS[2], KEYS[3]
local slots = 600

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

local epoch = redis.call('HGET', facts, 'epoch')
if not epoch then
  epoch = a.fresh
  redis.call('HSET', facts, 'epoch', epoch)
end
if a.epoch and a.epoch ~= epoch then
  return cjson.encode({ status = 'lost', epoch = epoch, now = now })
end

redis.call('ZADD', members, now + a.memberMs, a.member)
redis.call('ZREMRANGEBYSCORE', members, '-inf', text(now))
redis.call('ZREMRANGEBYSCORE', leases, '-inf', text(now))

-- A window with all that has left it taken out.
local function open(index)
  local given = a.windows[index]
  local slotMs = given.ms / slots
  local window = {
    key = KEYS[3 + index],
    slotMs = slotMs,
    current = math.floor(now / slotMs),
    limit = math.min(given.limit, tonumber(redis.call('HGET', facts, 'limit:' .. given.name) or given.limit)),
  }
  local kept = redis.call('HMGET', window.key, 'total', 'oldest')
  window.total = number(kept[1])
  window.oldest = tonumber(kept[2] or window.current)
  local first = window.current - slots
  if window.current - window.oldest > 3 * slots then
    redis.call('DEL', window.key)
    window.total, window.oldest = 0, window.current
  elseif window.oldest < first then
    local gone = {}
    for slot = window.oldest, first - 1 do gone[#gone + 1] = text(slot) end
    for _, amount in ipairs(redis.call('HMGET', window.key, unpack(gone))) do
      window.total = window.total - number(amount)
    end
    redis.call('HDEL', window.key, unpack(gone))
    window.oldest = first
  end
  return window
end

local function spend(window, slot, amount)
  if slot < window.current - slots or amount == 0 then return end
  if amount < 0 then amount = math.max(amount, -number(redis.call('HGET', window.key, text(slot)))) end
  redis.call('HINCRBY', window.key, text(slot), text(amount))
  window.total = window.total + amount
  window.oldest = math.min(window.oldest, slot)
end

local function close(window)
  redis.call('HSET', window.key, 'total', text(window.total), 'oldest', text(window.oldest))
  redis.call('PEXPIRE', window.key, text(window.slotMs * slots * 2))
end

-- Milliseconds until no more than 'allowed' counts.
local function waitFor(window, allowed)
  local left = window.total
  if left <= allowed then return 0 end
  local spent = {}
  local flat = redis.call('HGETALL', window.key)
  for i = 1, #flat, 2 do
    local slot = tonumber(flat[i])
    if slot then spent[#spent + 1] = { slot, number(flat[i + 1]) } end
  end
  table.sort(spent, function(one, other) return one[1] < other[1] end)
  for _, entry in ipairs(spent) do
    left = left - entry[2]
    if left <= allowed then return math.max(1, math.ceil((entry[1] + slots + 1) * window.slotMs - now)) end
  end
  return window.slotMs * slots
end

local function lease(id)
  redis.call('ZADD', leases, now + a.leaseMs, id)
  redis.call('PEXPIRE', leases, text(a.leaseMs * 2))
end

-- When the limits open again. A time beyond what they may be closed for is put right: it came from an older version, or
-- from a clock that was wrong.
local function closedUntil()
  local closed = number(redis.call('HGET', facts, 'closed'))
  local latest = now + a.maxClosureMs
  if closed <= latest then return closed end
  redis.call('HSET', facts, 'closed', text(latest))
  return latest
end

local opened = {}
for index = 1, #a.windows do opened[index] = open(index) end
local status, wait = 'ok', 0
local amounts = {}

if operation == 'acquire' then
  wait = math.max(0, closedUntil() - now)
  for index, window in ipairs(opened) do
    amounts[index] = math.min(window.limit, a.windows[index].amount)
    wait = math.max(wait, waitFor(window, window.limit - amounts[index]))
  end
  if wait > 0 then
    status = 'wait'
  elseif a.concurrency and redis.call('ZCARD', leases) >= a.concurrency then
    status = 'full'
  else
    for index, window in ipairs(opened) do spend(window, window.current, amounts[index]) end
    lease(a.lease)
  end
elseif operation == 'renew' then
  for _, id in ipairs(a.held) do lease(id) end
elseif operation == 'learn' then
  for index, window in ipairs(opened) do
    local given = a.windows[index]
    if given.name == a.name then
      if a.limit then
        window.limit = math.min(given.limit, math.max(1, a.limit))
        redis.call('HSET', facts, 'limit:' .. given.name, text(window.limit))
      end
      local elsewhere = math.ceil((a.limit or window.limit) - a.remaining - window.total)
      if elsewhere > 0 then
        local until_ = math.ceil((now + a.resetMs) / window.slotMs) - slots - 1
        spend(window, math.min(window.current, math.max(window.current - slots, until_)), elsewhere)
      end
    end
  end
elseif operation == 'close' then
  local closed = math.max(closedUntil(), now + math.min(a.closeMs, a.maxClosureMs))
  redis.call('HSET', facts, 'closed', text(closed))
elseif operation == 'settle' then
  -- What was spent without Redis's knowledge, leases that it does not know, and calls that are over.
  for index, entries in ipairs(a.spent) do
    for _, entry in ipairs(entries) do spend(opened[index], entry[1], entry[2]) end
  end
  for _, id in ipairs(a.held) do lease(id) end
  for _, call in ipairs(a.settled) do
    redis.call('ZREM', leases, call.lease)
    for index, change in ipairs(call.changes) do
      spend(opened[index], math.floor(call.at / opened[index].slotMs), change)
    end
  end
end

local totals, limits = {}, {}
for index, window in ipairs(opened) do
  close(window)
  totals[index], limits[index] = window.total, window.limit
end
redis.call('PEXPIRE', facts, 600000)
redis.call('PEXPIRE', members, text(a.memberMs * 2))

return cjson.encode({
  status = status,
  epoch = epoch,
  now = now,
  wait = wait,
  members = redis.call('ZCARD', members),
  inFlight = redis.call('ZCARD', leases),
  amounts = amounts,
  totals = totals,
  limits = limits,
})
`
