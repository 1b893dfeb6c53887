#!lua flags=allow-oom
-- Gives a shard back.
-- KEYS log, state · ARGV me
if redis.call('HGET', KEYS[2], 'owner') ~= ARGV[1] then return {'FENCED', ''} end
redis.call('HDEL', KEYS[2], 'owner', 'who')
return {'OK'}
