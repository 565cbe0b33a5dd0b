import { defineConfig, mergeConfig } from "vite";
import product from "./vite.config.ts";

/** The policy of the product's window, so that what it refuses shows in tests. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'";

export default mergeConfig(
  product,
  defineConfig({
    root: "e2e/harness",
    build: { outDir: "dist", emptyOutDir: true },
    preview: {
      port: Number(process.env.R3MES_UI_PORT ?? 4317),
      strictPort: true,
      host: "127.0.0.1",
      headers: { "Content-Security-Policy": POLICY },
    },
  }),
);
