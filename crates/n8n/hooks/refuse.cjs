'use strict';

const KINDS = {
  400: ['bad-request', 'BadRequestError'],
  429: ['too-many-requests', 'TooManyRequestsError'],
};

// n8n's own errors have a status, and its APIs tell their message. A plain one refuses as well, as 500 and without its message in some.
function errorOf(status) {
  const [file, name] = KINDS[status];
  try {
    return require.main.require(`../dist/errors/response-errors/${file}.error`)[name] ?? Error;
  } catch {
    return Error;
  }
}

/** Aborts what n8n was asked for. The message is for the user. */
function refuse(message, status = 400) {
  throw new (errorOf(status))(message);
}

module.exports = { refuse };
