"""Properties: what a written body may name, entity by entity, as one table. Anything else is code 2010 in `bodies`.

Of Intuit's reference pages, of the recordings and of what python-quickbooks sends; read-only ones are in it, because
clients send back what they read. What a value must look like is in `bodies`; what is kept of it in `drafts`.
"""

from __future__ import annotations

from typing import Final

_ROW: Final = "AttachableRef CustomField Id MetaData SyncToken domain sparse status "
_NAMED: Final = _ROW + "Active Name "
_PERSON: Final = _ROW + (
    "Active AlternatePhone BillAddr CompanyName CurrencyRef DefaultTaxCodeRef DisplayName FamilyName Fax"
    " FullyQualifiedName GivenName MiddleName Mobile Notes Organization OtherContactInfo PrimaryAddr"
    " PrimaryEmailAddr PrimaryPhone PrintOnCheckName ShipAddr Suffix Title WebAddr "
)
_TRANSACTION: Final = _ROW + (
    "CurrencyRef DepartmentRef DocNumber ExchangeRate GlobalTaxCalculation HomeTotalAmt Line LinkedTxn"
    " PrivateNote ProjectRef RecurDataRef RecurringInfo TotalAmt TransactionLocationType TxnDate TxnSource"
    " TxnStatus TxnTaxDetail "
)
_SALE: Final = _TRANSACTION + (
    "ApplyTaxAfterDiscount Balance BillAddr BillEmail BillEmailBcc BillEmailCc ClassRef CustomerMemo"
    " CustomerRef DeliveryInfo DueDate EmailStatus FreeFormAddress HomeBalance PrintStatus SalesTermRef"
    " ShipAddr ShipDate ShipFromAddr ShipMethodRef TaxExemptionRef TrackingNum "
)
_RECEIPT: Final = _SALE + (
    "CheckPayment CreditCardPayment DepositToAccountRef PaymentMethodRef PaymentRefNum PaymentType "
)
_PURCHASE: Final = _TRANSACTION + "APAccountRef VendorAddr VendorRef "
_TEXTS: Final[dict[str, str]] = {
    "Account": _NAMED
    + "AccountSubType AccountType AcctNum Classification CurrencyRef CurrentBalance"
    " CurrentBalanceWithSubAccounts Description FullyQualifiedName ParentRef SubAccount TaxCodeRef",
    "Bill": _PURCHASE + "Balance DueDate HomeBalance SalesTermRef",
    "BillPayment": _PURCHASE + "CheckPayment CreditCardPayment PayType ProcessBillPayment",
    "Class": _NAMED + "FullyQualifiedName ParentRef SubClass",
    "CompanyInfo": _ROW
    + "CompanyAddr CompanyName CompanyStartDate Country CustomerCommunicationAddr DefaultTimeZone Email"
    " FiscalYearStartMonth LegalAddr LegalName NameValue PrimaryPhone SupportedLanguages WebAddr",
    "CreditMemo": _RECEIPT + "InvoiceRef RemainingCredit",
    "Customer": _PERSON
    + "ARAccountRef Balance BalanceWithJobs BillWithParent ClientEntityId CustomerTypeRef IsProject Job"
    " Level OpenBalanceDate ParentRef PaymentMethodRef PreferredDeliveryMethod PrimaryTaxIdentifier"
    " ResaleNum SalesTermRef TaxExemptionReasonId Taxable V4IDPseudonym",
    "Department": _NAMED + "Address FullyQualifiedName ParentRef SubDepartment",
    "Deposit": _TRANSACTION + "CashBack DepositToAccountRef",
    "Employee": _PERSON
    + "BillRate BillableTime BirthDate CostRate EmailAddress EmployeeNumber Gender HiredDate"
    " ReleasedDate SSN",
    "Estimate": _SALE + "AcceptedBy AcceptedDate ExpirationDate",
    "Invoice": _RECEIPT
    + "ARAccountRef AllowIPNPayment AllowOnlineACHPayment AllowOnlineCreditCardPayment"
    " AllowOnlinePayment Deposit EInvoiceStatus InvoiceLink",
    "Item": _NAMED
    + "AbatementRate AssetAccountRef ClassRef Description ExpenseAccountRef FullyQualifiedName"
    " IncomeAccountRef InvStartDate ItemCategoryType Level ParentRef PrefVendorRef PurchaseCost"
    " PurchaseDesc PurchaseTaxCodeRef PurchaseTaxIncluded QtyOnHand ReorderPoint ReverseChargeRate"
    " SalesTaxCodeRef SalesTaxIncluded ServiceType Sku SubItem Taxable TrackQtyOnHand Type UnitPrice",
    "JournalEntry": _TRANSACTION + "Adjustment",
    "Payment": _TRANSACTION
    + "ARAccountRef CreditCardPayment CustomerRef DepositToAccountRef PaymentMethodRef PaymentRefNum"
    " TaxExemptionRef UnappliedAmt",
    "PaymentMethod": _NAMED + "Type",
    "Preferences": _ROW
    + "AccountingInfoPrefs CurrencyPrefs EmailMessagesPrefs OtherPrefs ProductAndServicesPrefs ReportPrefs"
    " SalesFormsPrefs TaxPrefs TimeTrackingPrefs VendorAndPurchasesPrefs",
    "Purchase": _TRANSACTION
    + "AccountRef Credit EntityRef PaymentMethodRef PaymentRefNum PaymentType PrintStatus PurchaseEx"
    " RemitToAddr",
    "PurchaseOrder": _PURCHASE
    + "ClassRef DueDate EmailStatus Memo POEmail POStatus SalesTermRef ShipAddr ShipMethodRef ShipTo"
    " TaxCodeRef",
    "RefundReceipt": _RECEIPT,
    "SalesReceipt": _RECEIPT,
    "TaxAgency": _ROW
    + "Active DisplayName TaxRegistrationNumber TaxTrackedOnPurchases TaxTrackedOnSales",
    "TaxCode": _NAMED + "Description PurchaseTaxRateList SalesTaxRateList TaxGroup Taxable",
    "TaxRate": _NAMED
    + "AgencyRef Description DisplayType EffectiveTaxRate RateValue SpecialTaxType TaxReturnLineRef",
    "Term": _NAMED
    + "DayOfMonthDue DiscountDayOfMonth DiscountDays DiscountPercent DueDays DueNextMonthDays Type",
    "TimeActivity": _ROW
    + "BillableStatus BreakHours BreakMinutes ClassRef CostRate CurrencyRef CustomerRef DepartmentRef Description"
    " EmployeeRef EndTime ExchangeRate HourlyRate Hours ItemRef Line Minutes NameOf StartTime Taxable TxnDate VendorRef",
    "Transfer": _TRANSACTION + "Amount FromAccountRef ToAccountRef",
    "Vendor": _PERSON
    + "APAccountRef AcctNum Balance BillRate CostRate GSTIN TaxIdentifier TaxReportingBasis TermRef"
    " Vendor1099",
    "VendorCredit": _PURCHASE + "Balance FromAccountRef HomeBalance LinkedTxn ToAccountRef",
}
PROPERTIES: Final = {name: frozenset(text.split()) for name, text in _TEXTS.items()}
"""Entity -> what its bodies may name."""

_EXPENSE: Final = (
    "BillableStatus ClassRef CustomerRef MarkupInfo TaxAmount TaxCodeRef TaxInclusiveAmt "
)
_PRICED: Final = "ClassRef ItemAccountRef ItemRef MarkupInfo PriceLevelRef Qty TaxCodeRef TaxInclusiveAmt UnitPrice "
_REFERENCE: Final = "name type value"
_ADDRESS: Final = (
    "City Country CountryCode CountrySubDivisionCode Id Lat Line1 Line2 Line3 Line4 Line5 Long Note PostalCode"
    " PostalCodeSuffix Tag"
)
_INSIDE: Final = {
    name: frozenset(text.split())
    for name, text in {
        "AccountBasedExpenseLineDetail": _EXPENSE + "AccountRef",
        "AttachableRef": _REFERENCE + " CustomField EntityRef IncludeOnSend Inactive LineInfo NoRefOnly",
        "CashBack": "AccountRef Amount Memo",
        "CheckPayment": "AcctNum BankAccountRef BankName CheckNum NameOnAcct PrintStatus Status",
        "CreditCardPayment": "CCAccountRef CreditChargeInfo CreditChargeResponse",
        "CustomField": "BooleanValue DateValue DefinitionId Name NumberValue StringValue Type",
        "CustomerMemo": "value",
        "DeliveryInfo": "DeliveryErrorType DeliveryTime DeliveryType",
        "DepositLineDetail": "AccountRef CheckNum ClassRef Entity PaymentMethodRef TaxApplicableOn TaxCodeRef TxnType",
        "DescriptionLineDetail": "ServiceDate TaxCodeRef",
        "DiscountLineDetail": "ClassRef Discount DiscountAccountRef DiscountPercent PercentBased TaxCodeRef",
        "Entity": _REFERENCE + " EntityRef Type",
        "GroupLineDetail": "GroupItemRef Line Quantity",
        "ItemBasedExpenseLineDetail": _EXPENSE + _PRICED,
        "JournalEntryLineDetail": "AccountRef BillableStatus ClassRef CustomerRef DepartmentRef Entity PostingType"
        " TaxAmount TaxApplicableOn TaxCodeRef TaxInclusiveAmt",
        "Line": "AccountBasedExpenseLineDetail Amount CustomExtensions CustomField DepositLineDetail"
        " DepositToAccountRef Description DescriptionLineDetail DetailType DiscountLineDetail GroupLineDetail Id"
        " ItemBasedExpenseLineDetail JournalEntryLineDetail LineEx LineNum LinkedTxn ProjectRef Received"
        # The SDK spells the detail of a subtotal with a small t.
        " SalesItemLineDetail SubTotalLineDetail SubtotalLineDetail TDSLineDetail",
        "LinkedTxn": "TxnId TxnLineId TxnType",
        "MetaData": "CreateTime LastModifiedByRef LastUpdatedTime",
        "SalesItemLineDetail": _PRICED + "DiscountAmt DiscountRate ServiceDate TaxClassificationRef",
        "SubTotalLineDetail": "ItemRef",
        "SubtotalLineDetail": "ItemRef",
        "TaxLine": "Amount DetailType TaxLineDetail",
        "TaxLineDetail": "NetAmountTaxable OverrideDeltaAmount PercentBased TaxInclusiveAmount TaxPercent TaxRateRef",
        "TxnTaxDetail": "TaxLine TotalTax TxnTaxCodeRef",
    }.items()
}  # fmt: skip
_BY_ENDING: Final = (("Ref", _REFERENCE), ("Addr", _ADDRESS))
_ENDINGS: Final = tuple((ending, frozenset(text.split())) for ending, text in _BY_ENDING)


def inside(name: str) -> frozenset[str] | None:
    """What the value of this property may name; None: it is not looked into (preferences, `LineEx`)."""
    found = _INSIDE.get(name)
    if found is None and name not in {"PrimaryEmailAddr", "WebAddr"}:
        found = next((allowed for ending, allowed in _ENDINGS if name.endswith(ending)), None)
    return found
