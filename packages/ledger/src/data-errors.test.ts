import { describe, expect, it } from 'vitest'
import { isDataError } from './data-errors.ts'

const error = (message: string, codes: object) => Object.assign(new Error(message), codes)

describe('an error of a database', () => {
  it.each([
    ['a text that is none', { code: '22P05' }],
    ['a number out of range', { code: '22003' }],
    ['a row that is too large for an index', { code: '54000' }],
    ['a check of PostgreSQL', { code: '23514' }],
    ['a check of SQLite', { code: 'ERR_SQLITE_ERROR', errcode: 275 }],
    ['Do not know how to serialize a BigInt', {}],
    ['Converting circular structure to JSON', {}],
    ['Maximum call stack size exceeded', {}],
  ])('is about what was given: %s', (message, codes) => {
    expect(isDataError(error(message, codes))).toBe(true)
  })

  it.each([
    ['a connection that broke', { code: '08006' }],
    ['a full disk', { code: '53100' }],
    ['a full disk of SQLite', { code: 'ERR_SQLITE_ERROR', errcode: 13 }],
    ['a place that is taken', { code: '23505' }],
    ['a place that is taken in SQLite', { code: 'ERR_SQLITE_ERROR', errcode: 2067 }],
    ['a column that is missing', { code: '42703' }],
    ['no permission', { code: '42501' }],
    ['the time limit', { code: '57014' }],
    ['a lock', { code: 'ERR_SQLITE_ERROR', errcode: 5 }],
    ['refused', { code: 'SPILLWAY_AUDIT_REFUSED' }],
    ['connect ECONNREFUSED', { code: 'ECONNREFUSED' }],
    ['the database did not answer within 5000 ms', {}],
  ])('is about the database: %s', (message, codes) => {
    expect(isDataError(error(message, codes))).toBe(false)
  })
})
