import { defineConfig } from "vitest/config";

// The app is embedded into the binary from dashboard/static/app and may be served below a path, so every
// address in it is relative.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../static/app",
    emptyOutDir: true,
    target: "es2022",
    rolldownOptions: { input: ["index.html", "share.html"] }, // the app, and the page of a shared position
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    chunkSizeWarningLimit: 1200, // MapLibre is 1 MB in one module
  },
  worker: { format: "es" },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/mqtt": { target: "ws://127.0.0.1:8080", ws: true } } },
  test: { include: ["src/**/*.test.ts", "basemap/**/*.test.mjs"], environment: "node", testTimeout: 60_000 },
});
