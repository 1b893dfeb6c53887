#!lua flags=allow-oom
-- Cuts off the records before a number. It frees memory, so it works when there
-- is none left.
-- KEYS log, state · ARGV me, number of the first record that stays, bytes that
-- count for a record beside its own
local s = redis.call('HMGET', KEYS[2], 'owner', 'total', 'cut')
if not s[2] then return {'LOST', '0'} end
if s[1] ~= ARGV[1] then return {'FENCED', redis.call('HGET', KEYS[2], 'who') or ''} end
redis.call('XTRIM', KEYS[1], 'MINID', '=', '0-' .. ARGV[2])
local cut = s[2]
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if first then -- its field t is the total through it
  cut = string.format('%.0f', tonumber(first[2][4]) - #first[2][2] - tonumber(ARGV[3]))
end
redis.call('HSET', KEYS[2], 'first', ARGV[2], 'cut', cut)
return {'OK', s[2], cut}
