-- Counts a request under each key in turn, as long as the one before had room: KEYS, and in ARGV the window in milliseconds and
-- then each key's quota. Answers two numbers for each key looked at: how many requests it has seen in its window, this one
-- included, and in how many milliseconds that window ends. A number above the quota means refused, and is the last one.
-- What is refused is not counted, so being refused again and again costs no write and takes nothing from anybody.
local answer = {}
for i, key in ipairs(KEYS) do
  local seen = tonumber(redis.call('GET', key) or '0') + 1
  local refused = seen > tonumber(ARGV[i + 1])
  if not refused then
    redis.call('INCR', key)
  end
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('PEXPIRE', key, ARGV[1])
    left = tonumber(ARGV[1])
  end
  answer[#answer + 1] = seen
  answer[#answer + 1] = left
  if refused then
    break
  end
end
return answer
