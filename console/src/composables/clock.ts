/** The time now, moving on every ten seconds: enough for "3 minutes ago". */
import { readonly, ref } from 'vue'

const moving = ref(Date.now())
setInterval(() => (moving.value = Date.now()), 10_000)

export const now = readonly(moving)
