import { describe, expect, it } from 'vitest'
import { claimAt, subjectOf } from './claims.ts'
import { grantsOf } from './grants.ts'

describe('claims of identity providers in the field', () => {
  // What their documentation shows, with other names.
  it.each([
    [
      'Okta, a person',
      {
        sub: 'alice@example.com',
        email: 'alice@example.com',
        email_verified: true,
        groups: ['Everyone', 'eng'],
      },
      {},
      { name: 'alice@example.com', groups: ['Everyone', 'eng'] },
    ],
    [
      'Okta, a service',
      { sub: '0oa1', cid: '0oa1', scp: ['calls'] },
      { groups: 'scp' },
      { name: 'oidc:0oa1', groups: ['calls'] },
    ],
    [
      'Entra ID, a person with app roles',
      { oid: '11-22', preferred_username: 'Alice@Example.com', roles: ['Engineer'], tid: 't' },
      { groups: ['groups', 'roles'] },
      { name: 'alice@example.com', groups: ['Engineer'] },
    ],
    [
      'Entra ID, a service',
      { azp: 'c0ffee', oid: '33-44', sub: '33-44', roles: ['Calls.Make'] },
      { groups: 'roles' },
      { name: 'oidc:c0ffee', groups: ['Calls.Make'] },
    ],
    [
      'Keycloak, a person',
      {
        preferred_username: 'alice',
        email: 'alice@example.com',
        email_verified: false,
        realm_access: { roles: ['eng'] },
      },
      { groups: 'realm_access.roles' },
      { name: 'oidc:alice', groups: ['eng'] },
    ],
    [
      'Keycloak, a client’s roles',
      { preferred_username: 'service-account-ci', resource_access: { 'my.app': { roles: ['ci'] } } },
      { groups: 'resource_access.my.app.roles' },
      { name: 'oidc:service-account-ci', groups: [] },
    ],
    [
      'Auth0, a claim that is a URL',
      { sub: 'auth0|1', 'https://example.com/groups': ['eng'] },
      { groups: 'https://example.com/groups' },
      { name: 'oidc:auth0|1', groups: ['eng'] },
    ],
    [
      'Google',
      { sub: '1', email: 'alice@example.com', email_verified: true, hd: 'example.com' },
      {},
      { name: 'alice@example.com', groups: [] },
    ],
    [
      'a single group as a text',
      { email: 'a@example.com', groups: 'eng' },
      {},
      { name: 'a@example.com', groups: ['eng'] },
    ],
  ])('%s', (_, claims, places, expected) => {
    expect(subjectOf(claims, { claims: places })).toMatchObject(expected)
  })

  it('groups that Entra ID leaves out are said to be missing, and allow nothing', () => {
    const grants = grantsOf({ groups: { eng: { permissions: ['chat'] } } })
    for (const overage of [{ _claim_names: { groups: 'src1' } }, { hasgroups: true }]) {
      const subject = subjectOf({ email: 'a@example.com', ...overage }, {})
      expect(subject).toMatchObject({ lacksGroups: true, groups: [] })
      if ('problem' in subject) throw new Error(subject.problem)
      expect(grants(subject)).toEqual({ problem: expect.stringContaining('left out the groups') })
    }
  })

  it.each(['two words', 'line\nbreak', 'x'.repeat(201), 'Zoë@example.com', '\u202ealice'])(
    'the name %j is refused',
    (email) => {
      expect(subjectOf({ email }, {})).toEqual({ problem: expect.stringContaining('claims.name') })
    },
  )

  it('required claims bind, also where they are missing', () => {
    const requiredClaims = { hd: 'example.com' }
    expect(subjectOf({ email: 'a@example.com', hd: 'example.com' }, { requiredClaims })).toHaveProperty(
      'name',
    )
    for (const hd of ['example.org', undefined, ['other'], true])
      expect(subjectOf({ email: 'a@example.com', hd }, { requiredClaims })).toHaveProperty('problem')
  })

  it('paths lead to claims alone, and to nothing that all objects have', () => {
    for (const path of ['constructor', '__proto__', 'a.constructor', 'toString.name', 'a.', '.a', ''])
      expect(claimAt({ a: {} }, path)).toBeUndefined()
  })
})

describe('what groups allow', () => {
  const groups = {
    cheap: { permissions: ['chat'], models: ['claude-haiku-*'], maxTokens: 100, team: 'one' },
    tools: { permissions: ['chat', 'tools'], models: ['claude-sonnet-*'], maxTokens: 200, team: 'two' },
    all: { permissions: ['messages'], settings: { model: 'opus' } },
    nothing: { permissions: [] },
  }
  const grants = grantsOf({ groups, people: { 'Carol@example.com': groups.cheap, ci: groups.all } })
  const of = (...names: string[]) => {
    const found = grants({ name: 'a@example.com', team: undefined, groups: names, lacksGroups: false })
    if ('problem' in found) throw new Error(found.problem)
    return found
  }

  it('is joined over the groups of a subject', () => {
    const { client } = of('tools', 'cheap', 'unknown')
    expect(
      ['call:chat', 'tools:client', 'files'].map((each) => client.permissions.has(each as 'files')),
    ).toEqual([true, true, false])
    expect(client).toBe(of('cheap', 'tools').client)
    expect(client).toMatchObject({ maxTokens: 200, team: 'one' })
    expect(
      ['claude-haiku-5-5', 'claude-sonnet-5-5', 'claude-opus-5-5'].map((each) => client.mayUse?.(each)),
    ).toEqual([true, true, false])
  })

  it('a group without limits lifts them, unless it allows no calls', () => {
    expect(of('cheap', 'all').client).toMatchObject({ mayUse: undefined, maxTokens: undefined })
    expect(of('cheap', 'nothing').client).toMatchObject({ maxTokens: 100, models: ['claude-haiku-*'] })
  })

  it('people are found by their names, however these are written', () => {
    const alone = { team: undefined, groups: [], lacksGroups: false }
    expect(grants({ name: 'carol@example.com', ...alone })).toHaveProperty('client')
    expect(grants({ name: 'oidc:ci', ...alone })).toHaveProperty('client')
    expect(grants({ name: 'dave@example.com', ...alone })).toEqual({
      problem: expect.stringContaining('tells no groups'),
    })
  })

  it('settings have the checksum of their sorted form', () => {
    const { settings } = of('all')
    expect(JSON.parse(settings?.body.toString() ?? '')).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
      checksum: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      settings: { model: 'opus' },
    })
    expect(settings?.etag).toMatch(/^"sha256:/)
  })
})
