/**
 * The shared limits of one key and limit group as one Lua script, so that each operation is one atomic round trip. It
 * counts as `SlidingWindow` does (600 slots a window and some more, and their sum), and compares with what the vendor says as `VendorGate`
 * does.
 *
 * Keys, all with the same hash tag: the group's facts (hash: epoch, closed, what the vendor has said), the leases of calls
 * in flight (sorted set by expiry), the processes that have been heard of lately (sorted set by expiry), and one hash for
 * each window of the group (slot -> amount, total, oldest).
 *
 * Arguments: the operation and a JSON object. Answers JSON. A caller that knows an epoch which is no longer Redis's is
 * told `lost` and nothing is done: Redis has forgotten what it knew.
 */
export const limitScript: string = `
local operation, a = ARGV[1], cjson.decode(ARGV[2])
local facts, leases, members = KEYS[1], KEYS[2], KEYS[3]
-- As in sliding-window.ts and shared-meter.ts.
local slots, counted = 600, 605

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

local opened, amounts = {}, {}

-- A window with all that has left it taken out.
local function open(index)
  local given = a.windows[index]
  local slotMs = given.ms / slots
  local window = {
    key = KEYS[3 + index],
    slotMs = slotMs,
    current = math.floor(now / slotMs),
    limit = given.limit,
  }
  local kept = redis.call('HMGET', window.key, 'total', 'oldest')
  window.total = number(kept[1])
  window.oldest = tonumber(kept[2] or window.current)
  local first = window.current - counted
  if window.current - window.oldest > 3 * counted then
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
  if slot < window.current - counted or amount == 0 then return end
  if amount < 0 then amount = math.max(amount, -number(redis.call('HGET', window.key, text(slot)))) end
  redis.call('HINCRBY', window.key, text(slot), text(amount))
  window.total = window.total + amount
  window.oldest = math.min(window.oldest, slot)
end

local function close(window)
  redis.call('HSET', window.key, 'total', text(window.total), 'oldest', text(window.oldest))
  redis.call('PEXPIRE', window.key, text(window.slotMs * slots * 2))
end

-- What counts in each slot, oldest first; without what is given back of it.
local function entries(window, givenBack)
  local spent = {}
  local flat = redis.call('HGETALL', window.key)
  for i = 1, #flat, 2 do
    local slot = tonumber(flat[i])
    if slot then spent[#spent + 1] = { slot, number(flat[i + 1]) - (givenBack and givenBack[slot] or 0) } end
  end
  table.sort(spent, function(one, other) return one[1] < other[1] end)
  return spent
end

-- Milliseconds until no more than 'allowed' counts.
local function waitFor(window, allowed, givenBack)
  if window.total <= allowed then return 0 end
  local spent = entries(window, givenBack)
  local left = 0
  for _, entry in ipairs(spent) do left = left + entry[2] end
  if left <= allowed then return 0 end
  for _, entry in ipairs(spent) do
    left = left - entry[2]
    if left <= allowed then return math.max(1, math.ceil((entry[1] + counted + 1) * window.slotMs - now)) end
  end
  return window.slotMs * counted
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

-- What the vendor has said, and what was admitted since: see VendorGate.
local never = 1e300
local kept = {}
for i, name in ipairs({ 'order', 'input', 'output', 'after', 'probeFrom', 'lastProbe' }) do kept[i] = name end
local state = redis.call('HMGET', facts, unpack(kept))
local order, input, output, after = number(state[1]), number(state[2]), number(state[3]), number(state[4])
local probeFrom, lastProbe = tonumber(state[5] or never), tonumber(state[6] or -never)
local said = cjson.decode(redis.call('HGET', facts, 'said') or '{}')
local isSaid = false
-- Calls of processes that died have no end: without any in flight, nothing is produced.
if redis.call('ZCARD', leases) == 0 then output = 0 end

local function of(name, cost)
  if name == 'inputTokensPerMinute' then return cost.inputTokens end
  if name == 'outputTokensPerMinute' then return cost.outputTokens end
  return 1
end

-- Brings what is left up to now, and forgets what is too old to say anything.
for key, word in pairs(said) do
  if now >= word.resetAt + (word.limit and a.keptMs or 0) then
    said[key] = nil
    isSaid = true
  else
    word.remaining = math.min(word.remaining + word.refill * math.max(0, now - word.at), word.limit or never)
    word.at = math.max(word.at, now)
  end
end

local function lasts(word, cost, ahead, givenBack)
  local asked = of(word.name, cost)
  if word.limit and asked > word.limit then asked = word.limit / 2 end
  if word.name == 'outputTokensPerMinute' then asked = asked + output end
  local again = 0
  if word.refused and asked >= word.refused then again = math.max(0, word.refusedUntil - now) end
  if ahead then asked = asked + of(word.name, ahead) end
  if givenBack then
    local back = number(givenBack.tokens[word.name])
    asked = asked - (word.name == 'outputTokensPerMinute' and math.min(output, back) or back)
  end
  if asked <= word.remaining then return again end
  if word.refill > 0 then return math.max(again, math.ceil((asked - word.remaining) / word.refill)) end
  return math.max(again, word.resetAt - now)
end

local function isProbeDue(from)
  return now >= math.max(from or never, lastProbe + a.probeMs)
end

-- How long the vendor refuses such a call, and whether it may pass nevertheless, to test that.
local function gate(cost, ahead, givenBack)
  local long = math.max(0, closedUntil() - now)
  local isOpen = long == 0 or isProbeDue(probeFrom)
  for _, word in pairs(said) do
    local lasting = lasts(word, cost, ahead, givenBack)
    long = math.max(long, lasting)
    if lasting > 0 and not isProbeDue(word.probeFrom) then isOpen = false end
  end
  return long, isOpen
end

-- What calls in flight may give back when they settle: of each window by slot, and of tokens all together.
local function mostGivenBack()
  local givenBack = { tokens = { inputTokensPerMinute = 0, outputTokensPerMinute = 0 } }
  for index in ipairs(a.windows) do givenBack[index] = {} end
  local flat = redis.call('HGETALL', facts)
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, 10) == 'unsettled:' then
      if redis.call('ZSCORE', leases, string.sub(flat[i], 11)) then
        local call = cjson.decode(flat[i + 1])
        for name, tokens in pairs(call.tokens) do givenBack.tokens[name] = givenBack.tokens[name] + tokens end
        for index, window in ipairs(opened) do
          local slot = math.floor(call.at / window.slotMs)
          givenBack[index][slot] = (givenBack[index][slot] or 0) + number(call.back[index])
        end
      else
        -- Its process has died.
        redis.call('HDEL', facts, flat[i])
      end
    end
  end
  return givenBack
end

-- Whether a call that is admitted now leaves capacity for one that it passes, when that one needs it.
local function fitsBeside(beside)
  local givenBack = beside.isHoping and mostGivenBack()
  if gate(beside.cost, a.cost, givenBack) > beside.inMs then return false end
  for index, window in ipairs(opened) do
    local together = amounts[index] + math.min(window.limit, beside.amounts[index])
    local first = math.floor((now + beside.inMs) / window.slotMs) - counted
    if window.total + together > window.limit and first <= window.current then
      local left = 0
      for _, entry in ipairs(entries(window, givenBack and givenBack[index])) do
        if entry[1] >= first then left = left + entry[2] end
      end
      if left + together > window.limit then return false end
    end
  end
  return true
end

local function pass(cost, expected)
  local isProbe = closedUntil() > now
  for _, word in pairs(said) do
    if lasts(word, cost) > 0 then isProbe = true end
    if word.name ~= 'outputTokensPerMinute' then
      word.remaining = word.remaining - of(word.name, cost)
      isSaid = true
    end
  end
  if isProbe then lastProbe = now end
  order, input, output = order + 1, input + cost.inputTokens, output + expected
  return { order = order, input = input, at = now, isProbe = isProbe }
end

local function settleVendor(call)
  output = math.max(0, output - call.expected)
  for _, word in pairs(said) do
    local real = call.actual and of(word.name, call.actual) or 0
    if word.name == 'outputTokensPerMinute' then
      word.remaining = word.remaining - (call.order > word.order and real or real / 2)
      isSaid = true
    elseif call.order > word.order then
      word.remaining = word.remaining + of(word.name, call.reserved) - real
      isSaid = true
    end
  end
end

local function tell(given, passed)
  local old = said[given.key]
  local told = passed and math.min(passed.order, order) or order
  local since = given.refill * math.max(0, now - (passed and passed.at or now))
  local most = given.remaining + since
  isSaid = true
  if old and told < old.order then
    old.remaining = math.min(old.remaining, most)
    return
  end
  local one = 0
  if most < 1 then one = given.refill > 0 and (1 - most) / given.refill or given.resetMs end
  local from
  if one > a.probeMs then from = math.min(old and old.probeFrom or never, now + a.probeMs) end
  local asked = 0
  if passed and given.name == 'inputTokensPerMinute' then asked = math.max(0, input - passed.input)
  elseif passed and given.name ~= 'outputTokensPerMinute' then asked = order - told end
  said[given.key] = {
    name = given.name, limit = given.limit, refill = given.refill, order = told, probeFrom = from,
    at = now, resetAt = now + given.resetMs, remaining = math.min(most - asked, given.limit or never),
  }
end

-- A call was too large for what is left; smaller ones may pass it.
local function refuse(key, asked, ms)
  local word = said[key]
  if word then word.refused, word.refusedUntil = asked, now + ms end
end

local function shut(closeMs, passed)
  local before = closedUntil()
  local isNews = passed and math.min(passed.order, order) > after
  local closed = now + math.min(closeMs, a.maxClosureMs)
  if not isNews then closed = math.max(before, closed) end
  if isNews or before <= now then after = order end
  if before <= now then probeFrom = never end
  if closed - now > a.probeMs then probeFrom = math.min(probeFrom, now + a.probeMs) end
  redis.call('HSET', facts, 'closed', text(closed))
end

local function succeed(passed)
  local isOpened = false
  local at = math.min(passed.order, order)
  if closedUntil() > now and at > after then
    redis.call('HDEL', facts, 'closed')
    isOpened = true
  end
  for key, word in pairs(said) do
    if word.probeFrom and at > word.order then
      said[key] = nil
      isOpened, isSaid = true, true
    end
  end
  return isOpened
end

for index = 1, #a.windows do opened[index] = open(index) end
local status, wait, soonest = 'ok', 0, 0
local passed, isOpened

if operation == 'acquire' then
  local long, isOpen = gate(a.cost)
  if not isOpen then wait = math.max(1, long) end
  for index, window in ipairs(opened) do
    amounts[index] = math.min(window.limit, a.windows[index].amount)
    wait = math.max(wait, waitFor(window, window.limit - amounts[index]))
  end
  -- A call that passes another one leaves a place for it.
  local places = a.beside and 2 or 1
  if wait > 0 then
    status = 'wait'
    if not a.beside then
      local givenBack = mostGivenBack()
      if not isOpen then soonest = gate(a.cost, nil, givenBack) end
      for index, window in ipairs(opened) do
        soonest = math.max(soonest, waitFor(window, window.limit - amounts[index], givenBack[index]))
      end
    end
  elseif a.concurrency and redis.call('ZCARD', leases) + places > a.concurrency then
    status = 'full'
  elseif a.beside and a.beside.amounts and not fitsBeside(a.beside) then
    status = 'full'
  else
    local back, isBack = {}, false
    for index, window in ipairs(opened) do
      spend(window, window.current, amounts[index])
      back[index] = math.max(0, amounts[index] - a.windows[index].least)
      isBack = isBack or back[index] > 0
    end
    lease(a.lease)
    passed = pass(a.cost, a.expected)
    if isBack then
      local least = a.cost.predicted or {}
      local tokens = {
        inputTokensPerMinute = math.max(0, a.cost.inputTokens - number(least.inputTokens)),
        outputTokensPerMinute = math.max(0, a.cost.outputTokens - number(least.outputTokens)),
      }
      redis.call('HSET', facts, 'unsettled:' .. a.lease, cjson.encode({ at = now, back = back, tokens = tokens }))
    end
  end
elseif operation == 'renew' then
  for _, id in ipairs(a.held) do lease(id) end
elseif operation == 'hear' then
  for _, given in ipairs(a.limits) do tell(given, a.passed) end
  for _, given in ipairs(a.lacking) do refuse(given.key, given.asked, given.ms) end
  if a.closeMs then shut(a.closeMs, a.passed) end
  if a.isSuccess and a.passed then isOpened = succeed(a.passed) end
elseif operation == 'open' then
  redis.call('HDEL', facts, 'closed')
  said, isSaid = {}, true
elseif operation == 'settle' then
  -- What was spent without Redis's knowledge, leases that it does not know, and calls that are over.
  for index, entries in ipairs(a.spent) do
    for _, entry in ipairs(entries) do spend(opened[index], entry[1], entry[2]) end
  end
  for _, id in ipairs(a.held) do lease(id) end
  for _, call in ipairs(a.settled) do
    redis.call('ZREM', leases, call.lease)
    redis.call('HDEL', facts, 'unsettled:' .. call.lease)
    for index, change in ipairs(call.changes) do
      spend(opened[index], math.floor(call.at / opened[index].slotMs), change)
    end
    if call.vendor then settleVendor(call.vendor) end
  end
end

local function exact(value)
  return string.format('%.17g', value)
end
redis.call('HSET', facts, 'order', text(order), 'input', exact(input), 'output', exact(output), 'after', text(after),
  'probeFrom', exact(probeFrom), 'lastProbe', exact(lastProbe))
if isSaid then redis.call('HSET', facts, 'said', cjson.encode(said)) end
local closedMs = math.max(0, closedUntil() - now)

local totals, limits = {}, {}
for index, window in ipairs(opened) do
  close(window)
  totals[index], limits[index] = window.total, window.limit
end
redis.call('PEXPIRE', facts, text(math.max(600000, closedMs + 60000)))
redis.call('PEXPIRE', members, text(a.memberMs * 2))

return cjson.encode({
  status = status,
  epoch = epoch,
  now = now,
  wait = wait,
  soonest = soonest,
  members = redis.call('ZCARD', members),
  inFlight = redis.call('ZCARD', leases),
  amounts = amounts,
  totals = totals,
  limits = limits,
  passed = passed,
  closed = closedMs,
  opened = isOpened,
})
`
