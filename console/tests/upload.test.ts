import { afterEach, expect, it, vi } from 'vitest'
import { Problem, whenSignedOut } from '@/api/client'
import { upload } from '@/api/upload'

/** Answers what is sent to it. */
function answering(status: number, statusText: string, responseText: string) {
  vi.stubGlobal(
    'XMLHttpRequest',
    class {
      status = status
      statusText = statusText
      responseText = responseText
      upload = {}
      onload?: () => void
      open() {}
      setRequestHeader() {}
      getResponseHeader() {
        return 'r-1'
      }
      send() {
        this.onload?.()
      }
    },
  )
}

afterEach(() => {
  vi.unstubAllGlobals()
  whenSignedOut(() => undefined)
})

it('tells that nobody is signed in any more, as every other request does', async () => {
  const out = vi.fn()
  whenSignedOut(out)
  answering(401, 'Unauthorized', JSON.stringify({ code: 'unauthenticated', detail: 'Sign in.' }))
  await expect(upload('/advisories/import', new Blob(['x']), {})).rejects.toMatchObject({
    status: 401,
    code: 'unauthenticated',
  })
  expect(out).toHaveBeenCalledOnce()
})

it('says the status where something between answered in its own words', async () => {
  answering(413, 'Request Entity Too Large', '<html>')
  const failure: unknown = await upload('/advisories/import', new Blob(['x']), {}).catch(
    (each: unknown) => each,
  )
  expect(failure).toBeInstanceOf(Problem)
  expect(failure).toMatchObject({
    code: 'http-413',
    detail: '413 Request Entity Too Large',
    requestId: 'r-1',
  })
})
