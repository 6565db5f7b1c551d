// The SDK calls a function that Node has since version 22.
Promise.withResolvers ??= () => {
  const answer = {};
  answer.promise = new Promise((resolve, reject) => Object.assign(answer, { resolve, reject }));
  return answer;
};
