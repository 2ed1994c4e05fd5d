/** Whether the server can be reached, as the last exchange saw it. */
import { readonly, ref } from 'vue'

const lost = ref(false)
const recoveries = ref(0)

export const connectionLost = readonly(lost)
/** Grows each time the connection comes back: what was shown meanwhile is stale and must be read again. */
export const recovered = readonly(recoveries)

export function markLost(): void {
  lost.value = true
}

export function markConnected(): void {
  if (!lost.value) return
  lost.value = false
  recoveries.value += 1
}
