/** The one door to the server: JSON in, JSON out, every failure a `Problem`. */
import { markConnected, markLost } from '@/api/connection'

export type Query = Record<string, string | number | boolean | null | undefined>

/** An RFC 9457 problem as the server sends it, or one made here when nothing usable came back. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly params: Record<string, string | number> = {},
    readonly field: string | null = null,
    readonly requestId: string | null = null,
  ) {
    super(detail)
  }
}

export interface Options {
  query?: Query
  /** JSON; a file, which holds it already, is sent as it is. */
  body?: unknown
  signal?: AbortSignal
  /** The version that this builds on; if there is another by now, the server refuses. */
  ifMatch?: number
  /** Names this attempt, so that sending it twice does it once. */
  idempotencyKey?: string
}

const SILENT = 20_000
let onSignedOut: () => void = () => undefined

/** Called when the server says that nobody is signed in any more. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback
}

/** Where a browser finds it. */
export function address(path: string, query: Query = {}): string {
  return `/api/v1${withQuery(path, query)}`
}

/** A path with what is asked of it, without what is empty. */
export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

/** A path segment made of a name that came from outside. */
export function segment(name: string): string {
  return encodeURIComponent(name)
}

export async function get<T>(path: string, options: Options = {}): Promise<T> {
  return (await send<T>('GET', path, options)).body
}

export async function post<T>(path: string, options: Options = {}): Promise<T> {
  return (await send<T>('POST', path, options)).body
}

export async function put<T>(path: string, options: Options = {}): Promise<T> {
  return (await send<T>('PUT', path, options)).body
}

export async function patch<T>(path: string, options: Options = {}): Promise<T> {
  return (await send<T>('PATCH', path, options)).body
}

export async function remove(path: string, options: Options = {}): Promise<void> {
  await send<unknown>('DELETE', path, options)
}

async function send<T>(method: string, path: string, options: Options): Promise<{ body: T }> {
  let response: Response
  let text: string
  const silent = AbortSignal.timeout(SILENT)
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers: headers(method, options),
      body:
        options.body === undefined
          ? null
          : options.body instanceof Blob
            ? options.body
            : JSON.stringify(options.body),
      credentials: 'same-origin',
      signal: options.signal ? AbortSignal.any([options.signal, silent]) : silent,
    })
    text = await response.text()
  } catch (cause) {
    if (options.signal?.aborted) throw cause
    markLost()
    throw new Problem(0, 'no-connection', 'The server did not answer.')
  }
  markConnected()
  if (!response.ok) throw problemOf(response, text, response.headers.get('X-Request-Id'), path)
  return { body: (text ? JSON.parse(text) : undefined) as T }
}

function headers(method: string, options: Options): Headers {
  const result = new Headers({ Accept: 'application/json' })
  if (options.body !== undefined) result.set('Content-Type', 'application/json')
  // A form on another site cannot send this header: it is the defence against forged requests.
  if (method !== 'GET') result.set('X-Hullguard-Request', '1')
  if (options.ifMatch !== undefined) result.set('If-Match', `"v${options.ifMatch}"`)
  if (options.idempotencyKey) result.set('Idempotency-Key', options.idempotencyKey)
  return result
}

/** What was answered instead; something between here and the server may have answered in words of its own. */
export function problemOf(
  answer: { status: number; statusText: string },
  text: string,
  requestId: string | null,
  path: string,
): Problem {
  const told = parsed(text) as Partial<{
    code: string
    detail: string
    params: Record<string, string | number>
    field: string
    request_id: string
  }>
  const found = new Problem(
    answer.status,
    told.code ?? `http-${answer.status}`,
    told.detail ?? `${answer.status} ${answer.statusText}`.trim(),
    told.params ?? {},
    told.field ?? null,
    told.request_id ?? requestId,
  )
  if (found.status === 401 && path !== '/sessions') onSignedOut()
  return found
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
