// Takes the built dashboard into this package, which is what npm users get.
import { cpSync, rmSync } from 'node:fs'

rmSync('dist/dashboard', { recursive: true, force: true })
cpSync('node_modules/@spillway/dashboard/dist', 'dist/dashboard', { recursive: true, dereference: true })
