#!lua flags=allow-oom
-- Says that the owner lives, and returns where the shard stands. A shard that
-- Redis has forgotten altogether is begun anew: the owner writes again what it
-- still has.
-- KEYS log, state · ARGV me, who I am in words
local s = redis.call('HMGET', KEYS[2], 'owner', 'first', 'last', 'total', 'cut')
if not s[2] then
  if redis.call('EXISTS', KEYS[1]) == 1 then return {'STRAY'} end
  redis.call('HSET', KEYS[2], 'v', '1', 'owner', ARGV[1], 'who', ARGV[2], 'first', '1', 'last', '0', 'total', '0', 'cut', '0')
  s = {ARGV[1], '1', '0', '0', '0'}
end
if s[1] ~= ARGV[1] then return {'FENCED', redis.call('HGET', KEYS[2], 'who') or ''} end
redis.call('HINCRBY', KEYS[2], 'beat', 1)
return {'OK', s[2], s[3], s[4], s[5]}
