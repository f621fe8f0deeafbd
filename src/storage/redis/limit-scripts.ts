/**
 * The counters of limits, as Redis keeps them. For each key, team and model there are three keys: a window (a hash: the
 * sums `r` and `t`, the oldest second `o`, and an entry `e<second>` of "last:requests:tokens" for each), what is held
 * (a hash: `n|<replica>` requests under way, `c|<replica>` nano-dollars), and what was spent (a string). What a replica
 * holds counts as long as its lease in the sorted set of replicas runs. Redis's own clock is the only one.
 */
const SHARED = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local second = math.floor(now / 1000)
local WINDOW = 60000
local function int(number) return string.format('%.0f', number) end

local function entry(key, at)
  local text = redis.call('HGET', key, 'e' .. at)
  if not text then return nil end
  local last, requests, tokens = string.match(text, '^(%d+):(%d+):(-?%d+)$')
  return tonumber(last), tonumber(requests), tonumber(tokens)
end

-- Lets go of what has left the window; what is in it, the oldest second, and the last moment.
local function window(key)
  local sums = redis.call('HMGET', key, 'r', 't', 'o', 'l')
  local r, t, o, l = tonumber(sums[1]), tonumber(sums[2]), tonumber(sums[3]), tonumber(sums[4])
  if not o then return 0, 0, second, 0 end
  if l > now + WINDOW or now - l >= WINDOW then redis.call('DEL', key) return 0, 0, second, 0 end
  local first = o
  while o < second do
    local last, requests, tokens = entry(key, o)
    if last then
      if now - last < WINDOW then break end
      r = r - requests
      t = t - tokens
      redis.call('HDEL', key, 'e' .. o)
    end
    o = o + 1
  end
  if o ~= first then redis.call('HSET', key, 'r', int(r), 't', int(t), 'o', o) end
  return r, t, o, l
end

local function add(key, requests, tokens)
  local r, t, o, l = window(key)
  local last, hadRequests, hadTokens = entry(key, second)
  redis.call('HSET', key, 'r', int(r + requests), 't', int(t + tokens), 'o', math.min(o, second), 'l', now,
    'e' .. second, now .. ':' .. int((hadRequests or 0) + requests) .. ':' .. int((hadTokens or 0) + tokens))
  redis.call('PEXPIRE', key, 2 * WINDOW)
end

-- Milliseconds until there is room; -1: there never will be.
local function wait(key, used, oldest, amount, limit, which)
  if limit < 0 then return 0 end
  if amount > limit then return -1 end
  local excess = used + amount - limit
  if excess <= 0 then return 0 end
  for at = oldest, second do
    local last, requests, tokens = entry(key, at)
    if last then
      excess = excess - (which == 'r' and requests or tokens)
      if excess <= 0 then return math.max(1, math.min(WINDOW, last + WINDOW - now)) end
    end
  end
  return WINDOW
end

-- What replicas hold whose leases run; what the others held is forgotten.
local function held(key, leases, own)
  local requests, cost = 0, 0
  local all = redis.call('HGETALL', key)
  for at = 1, #all, 2 do
    local replica = string.sub(all[at], 3)
    local lease = redis.call('ZSCORE', leases, replica)
    if replica == own or (lease and tonumber(lease) > now) then
      if string.sub(all[at], 1, 1) == 'n' then requests = requests + tonumber(all[at + 1])
      else cost = cost + tonumber(all[at + 1]) end
    else redis.call('HDEL', key, all[at]) end
  end
  return requests, cost
end

local function hold(key, field, amount)
  if amount == 0 then return end
  if redis.call('HINCRBY', key, field, int(amount)) < 0 then redis.call('HSET', key, field, 0) end
  redis.call('PEXPIRE', key, 86400000)
end
`;

/**
 * KEYS: leases, then window, held and spent of each claim. ARGV: replica, lease, `1` to reserve, tokens, cost, then rpm,
 * tpm, concurrency and budget (-1: none) of each claim. Returns 1: within all limits, 0: not, 2: a budget has to be told
 * what was spent before; the second; 0: the lease had run out, as RENEW says; and eight numbers of each claim.
 */
export const RESERVE = `${SHARED}
local replica, reserve = ARGV[1], ARGV[3] == '1'
local tokens, cost = tonumber(ARGV[4]), tonumber(ARGV[5])
local claims = (#KEYS - 1) / 3
local lease = redis.call('ZSCORE', KEYS[1], replica)
local answer = {1, second, lease and tonumber(lease) > now and 1 or 0}
for claim = 1, claims do
  local w, h, s = KEYS[claim * 3 - 1], KEYS[claim * 3], KEYS[claim * 3 + 1]
  local from = 5 + (claim - 1) * 4
  local rpm, tpm = tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2])
  local concurrency, budget = tonumber(ARGV[from + 3]), tonumber(ARGV[from + 4])
  local r, t, o, l = window(w)
  local n, c = held(h, KEYS[1], replica)
  local spent = 0
  if budget >= 0 then
    local known = redis.call('GET', s)
    if not known then return {2, second, answer[3]} end
    spent = tonumber(known)
  end
  local rwait, twait = wait(w, r, o, 1, rpm, 'r'), wait(w, t, o, tokens, tpm, 't')
  if rwait ~= 0 or twait ~= 0 or (concurrency >= 0 and n >= concurrency)
    or (budget >= 0 and (spent >= budget or spent + c + cost > budget)) then answer[1] = 0 end
  for _, number in ipairs({r, t, n, spent, c, rwait, twait, l > 0 and math.max(0, l + WINDOW - now) or 0}) do
    answer[#answer + 1] = int(number)
  end
end
if answer[1] == 1 and reserve then
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), replica)
  for claim = 1, claims do
    add(KEYS[claim * 3 - 1], 1, tokens)
    hold(KEYS[claim * 3], 'n|' .. replica, 1)
    if tonumber(ARGV[5 + claim * 4]) >= 0 then hold(KEYS[claim * 3], 'c|' .. replica, cost) end
  end
end
return answer
`;

/** KEYS as above without the leases. ARGV: replica, the second, more tokens, cost held, cost spent, then `1` for each claim with a budget. */
export const SETTLE = `${SHARED}
local replica, at, tokens = ARGV[1], ARGV[2], tonumber(ARGV[3])
for claim = 1, #KEYS / 3 do
  local w, h, s = KEYS[claim * 3 - 2], KEYS[claim * 3 - 1], KEYS[claim * 3]
  hold(h, 'n|' .. replica, -1)
  local last, requests, had = entry(w, at)
  if last and tokens ~= 0 then
    redis.call('HSET', w, 'e' .. at, int(last) .. ':' .. int(requests) .. ':' .. int(had + tokens))
    redis.call('HINCRBY', w, 't', int(tokens))
  end
  if ARGV[5 + claim] == '1' then
    hold(h, 'c|' .. replica, -tonumber(ARGV[4]))
    if redis.call('EXISTS', s) == 1 then redis.call('INCRBY', s, ARGV[5]) end
  end
end
`;

/** KEYS: leases, then held and spent of each claim with a budget. ARGV: replica, cost, then the budgets. */
export const EXTEND = `${SHARED}
local replica, cost = ARGV[1], tonumber(ARGV[2])
for claim = 1, (#KEYS - 1) / 2 do
  local _, c = held(KEYS[claim * 2], KEYS[1], replica)
  local spent = tonumber(redis.call('GET', KEYS[claim * 2 + 1]) or '0')
  if spent + c + cost > tonumber(ARGV[2 + claim]) then return 0 end
end
for claim = 1, (#KEYS - 1) / 2 do hold(KEYS[claim * 2], 'c|' .. replica, cost) end
return 1
`;

/**
 * What a replica holds, and what it has counted while Redis was away. KEYS: leases, then window, held and spent of each
 * claim. ARGV: replica, lease, then of each claim: requests and tokens not counted here yet, requests under way, cost
 * held, cost spent and not counted here yet.
 */
export const RESTORE = `${SHARED}
local replica = ARGV[1]
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), replica)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3600000)
for claim = 1, (#KEYS - 1) / 3 do
  local w, h, s = KEYS[claim * 3 - 1], KEYS[claim * 3], KEYS[claim * 3 + 1]
  local from = 2 + (claim - 1) * 5
  if tonumber(ARGV[from + 1]) > 0 then add(w, tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2])) end
  redis.call('HSET', h, 'n|' .. replica, ARGV[from + 3], 'c|' .. replica, ARGV[from + 4])
  redis.call('PEXPIRE', h, 86400000)
  if ARGV[from + 5] ~= '0' and redis.call('EXISTS', s) == 1 then redis.call('INCRBY', s, ARGV[from + 5]) end
end
`;

/** KEYS: leases. ARGV: replica, lease. 0: the lease had run out, and what was held may be forgotten. */
export const RENEW = `${SHARED}
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
if lease and tonumber(lease) > now then return 1 end
return 0
`;
