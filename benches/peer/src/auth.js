// Who is asking, and whether the request is meant as it arrived: the gateway's rules, with what Node's users would take.
import { createHmac, createSecretKey, hash, timingSafeEqual } from 'node:crypto'
import { createVerifier } from 'fast-jwt'

const WINDOW_SECONDS = 300
const STAFF = new Set(['admin', 'operator', 'service'])

/** A refusal with the status and the code that the gateway gives. */
export class Refused extends Error {
  constructor(status, code, errors) {
    super(code)
    Object.assign(this, { status, code, errors })
  }
}

/** Returns a hook that leaves the caller in `request.caller`. */
export function tokens(secret) {
  // The verifier turns the secret into a key once. It could keep verified tokens as well; the gateway keeps none.
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    allowedAud: 'rp9-orchestrator',
    requiredClaims: ['sub', 'exp', 'aud', 'role'],
    clockTolerance: 30_000,
    cache: false
  })
  return (request, _reply, done) => {
    const { authorization = '' } = request.headers
    if (!authorization.startsWith('Bearer ')) return done(new Refused(401, 'token_missing'))
    try {
      request.caller = verify(authorization.slice(7))
    } catch {
      return done(new Refused(401, 'token_invalid'))
    }
    done()
  }
}

/** Whether this caller may see the tenant: staff see all, owners those in their token. */
export function sees(caller, tenant) {
  return STAFF.has(caller.role) || (caller.role === 'owner' && (caller.tenant_ids ?? []).includes(tenant))
}

/** Returns a hook that runs once the body is there, and lets staff with a signature of it in. */
export function signatures(secret) {
  const key = createSecretKey(Buffer.from(secret))
  return (request, _reply, done) => {
    if (!STAFF.has(request.caller.role)) return done(new Refused(403, 'forbidden'))
    const {
      'x-rp9-timestamp': timestamp,
      'x-rp9-signature': signature,
      'idempotency-key': idempotencyKey = ''
    } = request.headers
    if (!timestamp || !signature) return done(new Refused(401, 'signature_missing'))
    if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= WINDOW_SECONDS)) {
      return done(new Refused(401, 'signature_expired'))
    }
    const body = hash('sha256', request.rawBody, 'hex')
    const message = `${timestamp}\n${request.method}\n${request.url}\n${body}\n${idempotencyKey}`
    const expected = createHmac('sha256', key).update(message).digest()
    const given = Buffer.from(signature.slice(3), 'hex')
    const fits =
      signature.startsWith('v2=') && given.length === expected.length && timingSafeEqual(given, expected)
    done(fits ? undefined : new Refused(401, 'signature_invalid'))
  }
}
