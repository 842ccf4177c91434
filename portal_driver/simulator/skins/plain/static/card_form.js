"use strict";

// The form is sent once the card has signed its challenge.

(() => {
  const form = document.forms.card;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = document.getElementById("said");
    const pin = form.querySelector("input[type=password]");
    said.textContent = "";
    if (!pin.value) {
      said.textContent = "请输入卡密码";
      return;
    }
    const typed = pin.value;
    pin.value = "";
    signWithCard(form.dataset.control, form.elements.random.value, typed).then(
      (signed) => {
        form.elements.icCard.value = signed.card;
        form.elements.certNo.value = signed.certificate;
        form.elements.signData.value = signed.signature;
        form.submit();
      },
      (error) => {
        said.textContent = explainCard(error);
      },
    );
  });
})();
