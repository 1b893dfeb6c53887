#!lua flags=allow-oom
-- Makes the numbers go on behind one.
-- KEYS log, state · ARGV me, last number as the caller knows it, the new one, first
local s = redis.call('HMGET', KEYS[2], 'owner', 'last')
if not s[2] then return {'LOST', '0'} end
if s[1] ~= ARGV[1] then return {'FENCED', redis.call('HGET', KEYS[2], 'who') or ''} end
if s[2] ~= ARGV[2] then return {'LOST', s[2]} end
redis.call('HSET', KEYS[2], 'last', ARGV[3], 'first', ARGV[4])
return {'OK'}
