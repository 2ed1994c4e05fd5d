/** Sends a file as it is. `fetch` does not tell how much of a body has gone; this does. */
import { address, Problem, problemOf, type Query } from '@/api/client'
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
      else reject(problemOf(request, request.responseText, request.getResponseHeader('X-Request-Id'), path))
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
