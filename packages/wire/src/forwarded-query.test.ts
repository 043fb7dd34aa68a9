import { expect, it } from 'vitest'
import { forwardedQuery } from './forwarded-query.ts'

it.each([
  ['/v1/messages', ''],
  ['/v1/messages?', '?'],
  ['/v1/messages?beta=true', '?beta=true'],
  ['/v1/messages?beta=true&x=%20y&beta=2', '?beta=true&x=%20y&beta=2'],
  ['/v1/messages?monkey=1&keyboard=2&tokens=3&authority=4', '?monkey=1&keyboard=2&tokens=3&authority=4'],
  ['/v1/messages?%zz=1&a', '?%zz=1&a'],
])('%s keeps its query: %s', (url, query) => {
  expect(forwardedQuery(url)).toBe(query)
})

it.each([
  ['?key=s', ''],
  ['?beta=true&key=s', '?beta=true'],
  ['?key=s&beta=true', '?beta=true'],
  ['?api_key=s&a=1', '?a=1'],
  ['?api-key=s', ''],
  ['?APIKEY=s', ''],
  ['?accesstoken=s&access_token=s', ''],
  ['?subscription-key=s', ''],
  ['?X-Amz-Security-Token=s&X-Amz-Signature=t', ''],
  ['?%6Bey=s', ''],
  ['?%6b%65%79=s&a=1', '?a=1'],
  ['?auth=s&password=t&client_secret=u&sig=v&code=w', ''],
  ['?a[key]=s', ''],
  ['?apiKey=s&clientSecret=t', ''],
])('%s loses its credentials: %j', (query, kept) => {
  expect(forwardedQuery(`/v1/messages${query}`)).toBe(kept)
})
