/** The state of a page lives in its address, so that Back works and a link shows the same. */
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

/** Parts of the address that name a place in a list; any change of a filter goes back to its start. */
const PLACE = ['cursor', 'page']

export function useQuery() {
  const route = useRoute()
  const router = useRouter()

  function read(name: string): string {
    const value = route.query[name]
    return (Array.isArray(value) ? value[0] : value) ?? ''
  }

  function write(changes: Record<string, string | null>, options: { keepPlace?: boolean } = {}) {
    const dropped = options.keepPlace ? [] : PLACE
    const kept = Object.entries(route.query).filter(([name]) => !dropped.includes(name) && !(name in changes))
    const added = Object.entries(changes).filter(([, value]) => value)
    const query: LocationQueryRaw = Object.fromEntries([...kept, ...added])
    return router.push({ query })
  }

  /** One parameter as something a form field can be bound to. */
  function field(name: string): WritableComputedRef<string> {
    return computed({ get: () => read(name), set: (value) => void write({ [name]: value }) })
  }

  return { read, write, field }
}
