#!lua flags=allow-oom
-- Makes a process the owner of a shard, if nobody is, or if the owner is still
-- the one, with the same beat, that the caller has watched and found silent.
-- KEYS log, state · ARGV me, who I am in words, owner watched, its beat
local s = redis.call('HMGET', KEYS[2], 'v', 'owner', 'beat', 'who')
if s[1] and s[1] ~= '1' then return {'VERSION', s[1]} end
local owner = s[2] or ''
if owner ~= '' and not (owner == ARGV[3] and s[3] == ARGV[4]) then
  return {'TAKEN', owner, s[3], s[4]}
end
if not s[1] then
  if redis.call('EXISTS', KEYS[1]) == 1 then return {'STRAY'} end
  redis.call('HSET', KEYS[2], 'v', '1', 'first', '1', 'last', '0', 'total', '0', 'cut', '0')
end
redis.call('HSET', KEYS[2], 'owner', ARGV[1], 'who', ARGV[2], 'beat', '0')
local r = redis.call('HMGET', KEYS[2], 'first', 'last', 'total', 'cut')
return {'OK', r[1], r[2], r[3], r[4]}
