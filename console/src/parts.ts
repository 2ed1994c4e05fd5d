/**
 * Parts of the console that are loaded when they are opened. After an upgrade the server has others than those that an
 * open page was built with: the page is loaded anew, once, and where that does not help it says so.
 */
import { readonly, ref } from 'vue'
import type { Router } from 'vue-router'
import { get } from '@/api/client'
import { connectionLost } from '@/api/connection'

const MARK = 'hullguard.loaded-anew'
const missing = ref(false)

/** A part is not there, and loading the page anew did not bring it. */
export const partMissing = readonly(missing)

/** Where storage is forbidden nobody could tell the second time from the first. */
function tried(): boolean {
  try {
    return sessionStorage.getItem(MARK) !== null
  } catch {
    return true
  }
}

async function loadAnew(where: string): Promise<void> {
  // Without a server there is nothing to load: the bar about the connection says that.
  await get('/sessions/current').catch(() => undefined)
  if (connectionLost.value) return
  if (tried()) {
    missing.value = true
    return
  }
  sessionStorage.setItem(MARK, 'yes')
  location.assign(where)
}

export function watchParts(router: Router): void {
  let failed = false
  addEventListener('vite:preloadError', () => {
    failed = true
    // Whoever was on the way to a page comes to it: the router says where, before this.
    setTimeout(() => {
      if (failed) void loadAnew(location.href)
      failed = false
    })
  })
  router.onError((_, to) => {
    if (failed) void loadAnew(to.fullPath)
    failed = false
  })
  router.afterEach((_to, _from, failure) => {
    if (failure) return
    missing.value = false
    forget()
  })
}

function forget(): void {
  try {
    sessionStorage.removeItem(MARK)
  } catch {
    // It could not be set either.
  }
}
