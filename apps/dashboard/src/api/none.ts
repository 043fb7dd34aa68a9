/** What a filter is given to find calls that have none of its values: `none` of `@spillway/gateway-api`, whose values are not for browsers. */
export const none = '(none)'
