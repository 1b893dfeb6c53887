#!lua
-- Fails with OOM when Redis has no memory left for writes, as an append would.
-- KEYS log, state
return {'OK'}
