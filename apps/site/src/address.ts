/** Where the site will be, with a slash at its end: `SITE_URL` of the environment. */
export const siteUrl: URL = new URL(process.env.SITE_URL ?? 'https://spillway.github.io/spillway/')
