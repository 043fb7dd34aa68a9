/** What the user says instead where a model does not go on from a beginning of its answer. */
export const goOn = 'Go on exactly where your last answer ends, without repeating anything of it.'
