#!lua
-- Appends a group, all of it or nothing, and once however often it is sent:
-- the numbers tell whether it is there already.
-- KEYS log, state · ARGV me, number of the record before the group as Redis
-- knows it, number of the group's first, most bytes (0: no limit), bytes that
-- count for a record beside its own, records…
local s = redis.call('HMGET', KEYS[2], 'owner', 'last', 'total', 'cut')
if not s[2] then return {'LOST', '0'} end
if s[1] ~= ARGV[1] then return {'FENCED', redis.call('HGET', KEYS[2], 'who') or ''} end
local at, n = tonumber(ARGV[3]), #ARGV - 5
local through = string.format('%.0f', at + n - 1)
if s[2] ~= ARGV[2] then
  if s[2] ~= through then return {'LOST', s[2]} end
  -- Written by an earlier attempt whose answer did not arrive. The write makes
  -- a WAIT behind this script wait for all of it.
  redis.call('HSET', KEYS[2], 'last', s[2])
  return {'OK', s[3], s[4]}
end
local total, cut, most, beside = tonumber(s[3]), tonumber(s[4]), tonumber(ARGV[4]), tonumber(ARGV[5])
if most > 0 then
  local size = 0
  for i = 6, #ARGV do size = size + #ARGV[i] + beside end
  if total - cut + size > most then return {'FULL', s[3], s[4]} end
end
for i = 6, #ARGV do
  total = total + #ARGV[i] + beside
  redis.call('XADD', KEYS[1], '0-' .. string.format('%.0f', at + i - 6), 'r', ARGV[i], 't', string.format('%.0f', total))
end
redis.call('HSET', KEYS[2], 'last', through, 'total', string.format('%.0f', total))
return {'OK', string.format('%.0f', total), s[4]}
