import { defineConfig, type UserConfig } from 'vite'

/** The gateway that `pnpm dev` asks for `/api`. */
const gateway = process.env.SPILLWAY_GATEWAY ?? 'http://127.0.0.1:8787'

const config: UserConfig = defineConfig({
  // The gateway may be behind a proxy, under a path prefix.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // The first versions with `light-dark()`.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // Inlined files would be `data:` URLs, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': { target: gateway, changeOrigin: true } } },
})
export default config
