/** Sends a file as it is. `fetch` does not tell how much of a body has gone; this does. */
import { address, Problem, type Query } from '@/api/client'
import { markConnected, markLost } from '@/api/connection'

export function upload<T>(
  path: string,
  file: Blob,
  options: { query?: Query; sent?: (bytes: number) => void; signal?: AbortSignal },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', address(path, options.query))
    request.setRequestHeader('Accept', 'application/json')
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.setRequestHeader('X-Hullguard-Request', '1')
    request.upload.onprogress = (event) => options.sent?.(event.loaded)
    request.onload = () => {
      markConnected()
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as T)
      else reject(refused(request))
    }
    request.onerror = () => {
      markLost()
      reject(new Problem(0, 'no-connection', 'The server did not answer.'))
    }
    request.onabort = () => reject(new DOMException('given up', 'AbortError'))
    options.signal?.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}

function refused(request: XMLHttpRequest): Problem {
  let told: Partial<{
    code: string
    detail: string
    params: Record<string, string | number>
    field: string
    request_id: string
  }> = {}
  try {
    told = JSON.parse(request.responseText) as typeof told
  } catch {
    // Something between here and the server answered in its own words.
  }
  return new Problem(
    request.status,
    told.code ?? `http-${String(request.status)}`,
    told.detail ?? `${String(request.status)} ${request.statusText}`.trim(),
    told.params ?? {},
    told.field ?? null,
    told.request_id ?? request.getResponseHeader('X-Request-Id'),
  )
}
