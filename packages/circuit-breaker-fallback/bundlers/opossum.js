export { default } from 'opossum'
